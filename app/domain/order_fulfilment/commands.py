"""What a saga is asking for: the commands of its open steps, with ids that follow from the order, the step and the attempt."""

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
    """A command without its envelope."""

    command_type: str
    aggregate_type: str
    aggregate_id: str
    payload: dict[str, Any]

    @property
    def partner(self) -> tuple[str, str]:
        """Of no two steps that are open at the same time: the command's type, and to whom it is."""
        return self.command_type, self.aggregate_id


def react(order_id: str, saga: Saga, before: Saga | None = None) -> NextActions:
    """The commands of all steps that are asked for, but not of those that were asked for `before`; and when to look whether they were answered."""
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
    """The command that is looked at first; while a saga moves, there is one."""
    if not isinstance(saga, Moving):
        return None
    first = min((step for step in saga.steps if step.is_open), key=lambda step: step.until_ms)
    return Waiting(saga.facts.correlation_id, ask(order_id, saga, first).command_id)


def ask(order_id: str, saga: Moving, step: Step) -> OutgoingCommand:
    """The command of a step."""
    return OutgoingCommand(_command_id(order_id, _way(saga), step, step.attempt), step.resent, *sent(order_id, saga, step))


def asked_by(order_id: str, way: Way, step: Step, attempts: int) -> Iterator[str]:
    """The ids of the commands by which a saga asks for a step, or for its undoing, in so many attempts."""
    return (_command_id(order_id, way, step, attempt) for attempt in range(1, attempts + 1))


def sent(order_id: str, saga: Moving, step: Step) -> Sent:
    """What a step asks for, or what undoes it."""
    return _undo(order_id, saga, step) if isinstance(saga, Compensating) else _do(order_id, saga.facts, step)


def _command_id(order_id: str, way: Way, step: Step, attempt: int) -> str:
    return command_id(order_id, way, str(step), str(attempt))


def _way(saga: Moving) -> Way:
    return "undo" if isinstance(saga, Compensating) else "do"


def _asks(order_id: str, saga: Moving, before: Saga | None) -> tuple[OutgoingCommand, ...]:
    """An order may have a thousand products: only commands that are new are put together."""
    known = {_asked(step) for step in before.steps if step.state is StepState.ASKED} if isinstance(before, Moving) and _way(before) == _way(saga) else ()
    return tuple(ask(order_id, saga, step) for step in saga.steps if step.state is StepState.ASKED and _asked(step) not in known)


def _asked(step: Step) -> tuple[StepName, str | None, int, int]:
    """What tells the commands of one way apart, each time they are sent."""
    return step.name, step.product_id, step.attempt, step.resent


def _looks(saga: Moving) -> list[int]:
    return [step.until_ms for step in saga.steps if step.is_open]


def _do(order_id: str, facts: Facts, step: Step) -> Sent:
    """Another attempt is that of an order that has left: what was given back is taken again."""
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
