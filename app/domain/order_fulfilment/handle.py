"""Input handler of the saga: events of its order, results from participants, and elapsed timers. Any other input changes nothing."""

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
    """Input: an order was placed."""

    order: OrderPlaced
    correlation_id: str
    timing: Timing
    deadline_ms: int
    """Time that the whole saga may take (milliseconds)."""


Heard = Placed | OrderConfirmed | OrderShipped | OrderCancelled | CommandResult | TimerElapsed


def hear(order_id: str, saga: Saga, heard: Heard, at_ms: int) -> Events:
    """Return the saga's events for an input. `at_ms` is the input's time (milliseconds since 1970)."""
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
    """Complete the step `confirmation`, whichever command confirmed the order: there is nothing left to request."""
    if not isinstance(saga, Running) or saga.steps[-1].state is StepState.DONE:
        return NONE
    return (SagaStepCompleted(step="confirmation", wait_until=wait(saga, saga.steps[-1], at_ms)),)


def _cancelled(saga: Saga, event: OrderCancelled, at_ms: int) -> Events:
    """Handle the order's cancellation, by the customer or by the saga itself."""
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
    """Handle a command's result, if the saga waits for that command.

    A refusal is final. A parked command counts once for each time it was sent.
    """
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
    """Return the step whose command this result answers. Any client may use any command id, so the type and the aggregate must match, too."""
    if not isinstance(saga, Moving):
        return None
    to = (reply.command_type, reply.aggregate_id)
    step = next((step for step in saga.steps if _is_heard(saga, step) and sent(order_id, saga, step).partner == to), None)
    return step if step is not None and ask(order_id, saga, step).command_id == reply.command_id else None


def _is_heard(saga: Moving, step: Step) -> bool:
    """Return True if a result for this step counts. For a shipped order late results count, too, so that stock reserved late is shipped."""
    return step.is_open or (isinstance(saga, Finishing) and step.in_doubt and step.state is StepState.FAILED)


def _is_settled(saga: Moving, reply: CommandResult) -> bool:
    """Return True if the refusal means that the step needs nothing more.

    During compensation: there is nothing to undo, or no longer. For a shipped order: the step is done already.
    """
    refusal = reply.refusal
    if refusal is None or reply.outcome != "refused" or isinstance(saga, Running):
        return False
    return refusal.state in DONE if isinstance(saga, Finishing) else (refusal.code in NEVER_DONE or refusal.state in UNDONE)


def _refused(saga: Moving, step: Step, refusal: Refusal | None, at_ms: int) -> Events:
    """Handle a refused step. An order that earlier code shipped during compensation cannot be cancelled, so compensation ends."""
    if isinstance(saga, Compensating) and step.name == "order" and refusal is not None and refusal.state == "SHIPPED":
        return (SagaOrderShipped(),)
    return given_up(saga, (final(saga, step, "refused", refusal, at_ms),), at_ms)


def _done(saga: Moving, step: Step, reply: CommandResult, at_ms: int) -> SagaEvent:
    if isinstance(saga, Compensating):
        return SagaStepCompensated(**named(step), refusal=reply.refusal, wait_until=wait(saga, step, at_ms))
    return SagaStepCompleted(**named(step), wait_until=wait(saga, step, at_ms))
