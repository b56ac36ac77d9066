"""Commands of a saga's open steps. Their ids are derived from the order, the step and the attempt."""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, assert_never

from app.domain.order_fulfilment.state import (
    Compensating,
    Completed,
    Facts,
    Failed,
    Finishing,
    Moving,
    NeedsIntervention,
    Running,
    Saga,
    Step,
    StepState,
    Unstarted,
)
from app.eventsourcing.ids import command_id
from app.eventsourcing.saga import NextActions, OutgoingCommand, Waiting
from schemas.saga import StepName

Way = Literal["do", "undo"]


class Sent(NamedTuple):
    """Command without its envelope."""

    command_type: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]

    @property
    def partner(self) -> tuple[str, str]:
        """Type and aggregate of the command. No two steps that are open at the same time have the same pair."""
        return self.command_type, self.aggregate_id


def react(order_id: str, saga: Saga, before: Saga | None = None) -> NextActions:
    """Return the commands of all requested steps, and when to check whether they were answered.

    Commands that the state `before` had requested already are left out.
    """
    match saga:
        case Running():
            return NextActions(_asks(order_id, saga, before), min([saga.deadline_ms, *_looks(saga)]))
        case Finishing() | Compensating():
            return NextActions(_asks(order_id, saga, before), min(_looks(saga), default=None))
        case Unstarted() | Completed() | NeedsIntervention() | Failed():
            return NextActions()
        case never:
            assert_never(never)


def waiting(order_id: str, saga: Saga) -> Waiting | None:
    """Return the command whose step is due first, or None if the saga has ended. A moving saga always has one."""
    if not isinstance(saga, Moving):
        return None
    first = min((step for step in saga.steps if step.is_open), key=lambda step: step.until_ms)
    return Waiting(saga.facts.correlation_id, ask(order_id, saga, first).command_id)


def ask(order_id: str, saga: Moving, step: Step) -> OutgoingCommand:
    """Return the command of a step."""
    return OutgoingCommand(_command_id(order_id, _way(saga), step, step.attempt), step.resent, *sent(order_id, saga, step))


def asked_by(order_id: str, way: Way, step: Step, attempts: int) -> Iterator[str]:
    """Derive the ids of the commands for a step, or for its compensation, in this number of attempts."""
    return (_command_id(order_id, way, step, attempt) for attempt in range(1, attempts + 1))


def sent(order_id: str, saga: Moving, step: Step) -> Sent:
    """Return the step's command, or during compensation the command that undoes it."""
    return _undo(order_id, saga, step) if isinstance(saga, Compensating) else _do(order_id, saga.facts, step)


def _command_id(order_id: str, way: Way, step: Step, attempt: int) -> str:
    return command_id(order_id, way, str(step), str(attempt))


def _way(saga: Moving) -> Way:
    return "undo" if isinstance(saga, Compensating) else "do"


def _asks(order_id: str, saga: Moving, before: Saga | None) -> tuple[OutgoingCommand, ...]:
    """Build only commands that are new, because an order may have a thousand products."""
    known = {_asked(step) for step in before.steps if step.state is StepState.ASKED} if isinstance(before, Moving) and _way(before) == _way(saga) else ()
    return tuple(ask(order_id, saga, step) for step in saga.steps if step.state is StepState.ASKED and _asked(step) not in known)


def _asked(step: Step) -> tuple[StepName, str | None, int, int]:
    """Return the key of a sent command among those of one direction. Each repetition has its own."""
    return step.name, step.product_id, step.attempt, step.resent


def _looks(saga: Moving) -> list[int]:
    return [step.until_ms for step in saga.steps if step.is_open]


def _do(order_id: str, facts: Facts, step: Step) -> Sent:
    """Return the forward command of a step. A later attempt is for a shipped order: it takes again what was given back."""
    again = {"again": True} if step.attempt > 1 else {}
    match step.name:
        case "payment":
            paid = {"orderId": order_id, "amount": facts.amount, "currency": facts.currency}
            return Sent("ProcessPayment", "Customer", facts.customer_id, paid | again)
        case "reservation":
            return Sent("ReserveInventory", "Product", step.product_id or "", {"orderId": order_id, "quantity": step.quantity} | again)
        case "shipment":
            return Sent("ShipInventory", "Product", step.product_id or "", {"orderId": order_id})
        case "confirmation" | "order":
            return Sent("ConfirmOrder", "Order", order_id, {})
        case never:
            assert_never(never)


def _undo(order_id: str, saga: Compensating, step: Step) -> Sent:
    match step.name:
        case "payment":
            return Sent("RefundPayment", "Customer", saga.facts.customer_id, {"orderId": order_id})
        case "reservation":
            return Sent("ReleaseInventory", "Product", step.product_id or "", {"orderId": order_id})
        case "confirmation" | "order":
            return Sent("CancelOrder", "Order", order_id, {"reason": saga.reason})
        case "shipment":
            raise AssertionError("what has left is not undone: the log lacks events of the saga")
        case never:
            assert_never(never)
