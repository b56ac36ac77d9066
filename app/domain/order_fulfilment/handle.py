"""What a saga says to what it hears: events of its order, answers of its partners, and that time has passed. Anything else changes nothing."""

from typing import NamedTuple, assert_never

from app.domain.order_fulfilment.commands import ask, sent
from app.domain.order_fulfilment.completion import NONE, Events, compensation, concluded, named, wait
from app.domain.order_fulfilment.evolve import DEFINITION, resumed
from app.domain.order_fulfilment.failures import failed, final, given_up
from app.domain.order_fulfilment.late import elapsed
from app.domain.order_fulfilment.state import Compensating, Completed, Failed, Finishing, Moving, NeedsIntervention, Running, Saga, Step, StepState, Unstarted
from app.eventsourcing.saga import CommandResult, TimerElapsed
from schemas.envelopes import Refusal
from schemas.order import OrderCancelled, OrderConfirmed, OrderPlaced, OrderShipped
from schemas.saga import Line, SagaEvent, SagaOrderShipped, SagaStarted, SagaStepCompensated, SagaStepCompleted, Timing
from schemas.timestamp import rfc3339

UNDONE = frozenset({"RELEASED", "REFUNDED", "CANCELLED"})
DONE = frozenset({"PAID", "RESERVED", "SHIPPED"})
NEVER_DONE = frozenset({"not-found", "unknown-product", "unknown-customer"})


class Placed(NamedTuple):
    """An order begins."""

    order: OrderPlaced
    correlation_id: str
    timing: Timing
    deadline_ms: int
    """How long the whole may take (milliseconds)."""


Heard = Placed | OrderConfirmed | OrderShipped | OrderCancelled | CommandResult | TimerElapsed


def hear(order_id: str, saga: Saga, heard: Heard, at_ms: int) -> Events:
    """The events that follow; `at_ms` is when it was said (milliseconds since 1970)."""
    return concluded(saga, _hear(order_id, saga, heard, at_ms))


def _hear(order_id: str, saga: Saga, heard: Heard, at_ms: int) -> Events:
    match heard:
        case Placed():
            return _start(heard, at_ms) if isinstance(saga, Unstarted) else NONE
        case OrderConfirmed():
            return _confirmed(saga, at_ms)
        case OrderCancelled():
            return _cancelled(saga, heard, at_ms)
        case OrderShipped():
            return (SagaOrderShipped(),) if isinstance(saga, Running | Compensating) else NONE
        case CommandResult():
            return _answered(order_id, saga, heard, at_ms)
        case TimerElapsed(now_ms):
            return elapsed(saga, now_ms)
        case never:
            assert_never(never)


def _start(placed: Placed, at_ms: int) -> Events:
    order, pieces = placed.order, dict[str, int]()
    for item in order.items:
        pieces[item.product_id] = pieces.get(item.product_id, 0) + item.quantity
    started = SagaStarted(
        definition=DEFINITION,
        correlation_id=placed.correlation_id,
        customer_id=order.customer_id,
        amount=order.total_amount,
        currency=order.currency,
        lines=tuple(Line(product_id=product_id, quantity=quantity) for product_id, quantity in pieces.items()),
        timing=placed.timing,
        deadline_at=rfc3339(at_ms + placed.deadline_ms),
    )
    return started, SagaStepCompleted(step="order", wait_until=rfc3339(at_ms + placed.timing.step_timeout_ms))


def _confirmed(saga: Saga, at_ms: int) -> Events:
    """By whatever command: there is nothing left to ask for."""
    if not isinstance(saga, Running) or saga.steps[-1].state is StepState.DONE:
        return NONE
    return (SagaStepCompleted(step="confirmation", wait_until=wait(saga, saga.steps[-1], at_ms)),)


def _cancelled(saga: Saga, event: OrderCancelled, at_ms: int) -> Events:
    """By the customer, or by the saga itself."""
    match saga:
        case Running() | Completed():
            return compensation(saga, event.reason, at_ms), SagaStepCompensated(step="order")
        case Compensating():
            order = next(step for step in saga.steps if step.name == "order")
            return NONE if order.state is StepState.DONE else (SagaStepCompensated(step="order", wait_until=wait(saga, order, at_ms)),)
        case NeedsIntervention(shipped=False):
            return _cancelled(resumed(saga), event, at_ms)
        case Unstarted() | Finishing() | NeedsIntervention() | Failed():
            return NONE
        case never:
            assert_never(never)


def _answered(order_id: str, saga: Saga, reply: CommandResult, at_ms: int) -> Events:
    """An answer counts if it is to a command that is waited for. A refusal is final; that a command is parked is heard once for each time it was sent."""
    if isinstance(saga, NeedsIntervention) and saga.shipped:
        saga = resumed(saga)
    step = _waiting(order_id, saga, reply)
    if step is None or not isinstance(saga, Moving):
        return NONE
    if reply.outcome == "accepted" or _is_settled(saga, reply):
        return (_done(saga, step, reply, at_ms),)
    if step.state is StepState.FAILED:
        return NONE
    if reply.outcome == "refused":
        return _refused(saga, step, reply.refusal, at_ms)
    return NONE if step.state is StepState.PAUSED else given_up(saga, (failed(saga, step, "parked", reply.refusal, at_ms),), at_ms)


def _waiting(order_id: str, saga: Saga, reply: CommandResult) -> Step | None:
    """The step whose command this answers. Anybody may use any command id: it must be the very command."""
    if not isinstance(saga, Moving):
        return None
    to = (reply.command_type, reply.aggregate_id)
    step = next((step for step in saga.steps if _is_heard(saga, step) and sent(order_id, saga, step).partner == to), None)
    return step if step is not None and ask(order_id, saga, step).command_id == reply.command_id else None


def _is_heard(saga: Moving, step: Step) -> bool:
    """Late answers count for an order that has left: what is reserved for it late is shipped, not kept."""
    return step.is_open or (isinstance(saga, Finishing) and step.in_doubt and step.state is StepState.FAILED)


def _is_settled(saga: Moving, reply: CommandResult) -> bool:
    """True if the refusal says that there is nothing to undo, or not any more; or, of an order that has left, that it is done already."""
    refusal = reply.refusal
    if refusal is None or reply.outcome != "refused" or isinstance(saga, Running):
        return False
    return refusal.state in DONE if isinstance(saga, Finishing) else (refusal.code in NEVER_DONE or refusal.state in UNDONE)


def _refused(saga: Moving, step: Step, refusal: Refusal | None, at_ms: int) -> Events:
    """An order that earlier code shipped on the way back cannot be cancelled: nothing more of it is undone."""
    if isinstance(saga, Compensating) and step.name == "order" and refusal is not None and refusal.state == "SHIPPED":
        return (SagaOrderShipped(),)
    return given_up(saga, (final(saga, step, "refused", refusal, at_ms),), at_ms)


def _done(saga: Moving, step: Step, reply: CommandResult, at_ms: int) -> SagaEvent:
    if isinstance(saga, Compensating):
        return SagaStepCompensated(**named(step), refusal=reply.refusal, wait_until=wait(saga, step, at_ms))
    return SagaStepCompleted(**named(step), wait_until=wait(saga, step, at_ms))
