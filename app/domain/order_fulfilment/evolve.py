"""The saga as its events left it. All that decides about a row is in this file: its fingerprint is that of the rows."""

from typing import assert_never

from msgspec.structs import replace

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
    Steps,
    StepState,
    Timeouts,
    Unstarted,
)
from schemas.envelopes import Refusal
from schemas.saga import (
    SagaCompensationStarted,
    SagaCompleted,
    SagaDeadlineExtended,
    SagaEvent,
    SagaFailed,
    SagaNeedsIntervention,
    SagaOrderShipped,
    SagaStarted,
    SagaStepCompensated,
    SagaStepCompleted,
    SagaStepFailed,
    SagaStepRetried,
    SagaStepSkipped,
    SagaTimedOut,
)
from schemas.timestamp import milliseconds
from schemas.upcasters import NewerSchema

DEFINITION = 1
"""The version of these rules, under which a saga goes on to its end: when they change, the old ones stay beside the new while any of theirs is open."""

MOST = 1_000_000_000_000
"""The largest amount that can be paid; one more stands for everything beyond it, which the customer refuses all the same."""

STANDING = frozenset({"PAID", "RESERVED"})
"""A refusal that says so says that there is something to undo."""

Settled = SagaStepCompleted | SagaStepCompensated | SagaStepSkipped | SagaStepFailed
Stepped = Settled | SagaStepRetried
Begun = Moving | Completed | NeedsIntervention


def evolve(saga: Saga, event: SagaEvent) -> Saga:  # noqa: C901, PLR0911, PLR0912 (one line for each kind of event)
    """Fold."""
    match event:
        case SagaStarted():
            return _started(event)
        case SagaStepCompleted() | SagaStepCompensated() | SagaStepSkipped():
            return _settled(_moving(saga), event, StepState.DONE)
        case SagaStepFailed(retry_at=None):
            return _settled(_moving(saga), event, StepState.FAILED, in_doubt=in_doubt(event))
        case SagaStepFailed():
            return _with(_moving(saga), event, state=StepState.PAUSED, until_ms=milliseconds(event.retry_at or ""))
        case SagaStepRetried():
            return _retried(_moving(saga), event)
        case SagaTimedOut():
            return saga
        case SagaDeadlineExtended():
            return replace(_running(saga), deadline_ms=milliseconds(event.deadline_at))
        case SagaOrderShipped():
            return _finishing(_begun(saga))
        case SagaCompensationStarted():
            return _compensating(saga, event)
        case SagaCompleted():
            return Completed(_begun(saga).facts, _kept(_begun(saga)))
        case SagaNeedsIntervention():
            return NeedsIntervention(_begun(saga).facts, _begun(saga).steps, event.reason, isinstance(saga, Finishing))
        case SagaFailed():
            return Failed(event.reason)
        case never:
            assert_never(never)


def in_doubt(failed: SagaStepFailed) -> bool:
    """True if a step that failed may have been done all the same."""
    return failed.outcome != "refused" or _stands(failed.refusal)


def _stands(refusal: Refusal | None) -> bool:
    return refusal is not None and refusal.state in STANDING


def _started(event: SagaStarted) -> Running:
    if event.definition > DEFINITION:
        raise NewerSchema(f"a saga began under definition {event.definition}, this code knows {DEFINITION}: install the newer Foldstream")
    waits = Timeouts(event.timing.step_timeout_ms, event.timing.backoff_ms, event.timing.retries)
    amount = min(event.amount, MOST + 1)
    facts = Facts(event.definition, event.correlation_id, event.customer_id, amount, event.currency, waits)
    reservations = (Step("reservation", line.product_id, line.quantity) for line in event.lines)
    return Running(facts, (Step("order"), Step("payment"), *reservations, Step("confirmation")), milliseconds(event.deadline_at))


def _begun(saga: Saga) -> Begun:
    assert not isinstance(saga, Unstarted | Failed), "the log lacks events of the saga"
    return saga


def _running(saga: Saga) -> Running:
    assert isinstance(saga, Running), "only a running saga has a deadline: the log lacks events of the saga"
    return saga


def _moving(saga: Saga) -> Moving:
    """An operator who acts on a saga that needs it sets it going again."""
    begun = _begun(saga)
    assert not isinstance(begun, Completed), "a completed saga has no open step: the log lacks events of the saga"
    return resumed(begun) if isinstance(begun, NeedsIntervention) else begun


def resumed(saga: NeedsIntervention) -> Finishing | Compensating:
    """The saga as it goes on, the way it went before."""
    return Finishing(saga.facts, saga.steps) if saga.shipped else Compensating(saga.facts, saga.steps, saga.reason)


def _with(saga: Moving, event: Stepped, **changes: object) -> Moving:
    """The saga with one step changed."""
    same = (event.step, event.product_id)
    return replace(saga, steps=tuple(replace(step, **changes) if (step.name, step.product_id) == same else step for step in saga.steps))


def _settled(saga: Moving, event: Settled, state: StepState, **changes: object) -> Moving:
    """The saga with one step answered; the next are asked for if the event says until when they are to be answered."""
    after = _with(saga, event, state=state, **changes)
    if event.wait_until is None:
        return after
    until_ms = milliseconds(event.wait_until)
    late = isinstance(after, Finishing) and event.step == "reservation" and state is StepState.DONE
    shipment = (Step("shipment", event.product_id, state=StepState.ASKED, until_ms=until_ms),) if late else ()
    return replace(after, steps=(*asked(after.steps, until_ms), *shipment))


def _retried(saga: Moving, event: SagaStepRetried) -> Moving:
    [step] = [step for step in saga.steps if (step.name, step.product_id) == (event.step, event.product_id)]
    resent, granted = (step.resent + 1, step.granted + (event.reason is not None)) if event.attempt == step.attempt else (0, 0)
    counts = {"attempt": event.attempt, "resent": resent, "granted": granted}
    return _with(saga, event, state=StepState.ASKED, until_ms=milliseconds(event.wait_until), in_doubt=False, **counts)


def asked(steps: Steps, until_ms: int) -> Steps:
    """The same steps, with the next ones asked for: all of that name."""
    name = next((step.name for step in steps if step.state is StepState.PENDING), None)
    due = {"state": StepState.ASKED, "until_ms": until_ms}
    return tuple(replace(step, **due) if step.name == name and step.state is StepState.PENDING else step for step in steps)


def _compensating(saga: Saga, event: SagaCompensationStarted) -> Compensating:
    begun = _begun(saga)
    steps = _again(begun.steps) if isinstance(begun, NeedsIntervention) else _undone(begun.steps)
    return Compensating(begun.facts, asked(steps, milliseconds(event.wait_until)), event.reason)


def _undone(steps: Steps) -> Steps:
    """The undoing of what was done or may have been; that of a confirmation is the order's."""
    return tuple(
        Step(step.name, step.product_id, step.quantity, StepState.PENDING if step.to_undo else StepState.NONE, attempt=step.attempt)
        for step in reversed(steps)
        if step.name != "confirmation"
    )


def _finishing(saga: Begun) -> Finishing:
    """Where the saga was on its way back, an operator has each step done again, or finds that it still stands."""
    if isinstance(saga, Running):
        return Finishing(saga.facts, saga.steps)
    failed = (Step(step.name, step.product_id, step.quantity, StepState.FAILED, attempt=step.attempt) for step in reversed(saga.steps) if step.name != "order")
    return Finishing(saga.facts, (Step("order", state=StepState.DONE), *failed, Step("confirmation", state=StepState.DONE)))


def _again(steps: Steps) -> Steps:
    """The same, with what failed to be tried once more."""
    return tuple(_next_attempt(step, StepState.PENDING) if step.state is StepState.FAILED else step for step in steps)


def _kept(saga: Begun) -> Steps:
    """The steps of a saga that is completed; what an operator settled by hand counts as done."""
    return saga.steps if isinstance(saga, Running | Finishing) else tuple(_next_attempt(step, StepState.DONE) for step in saga.steps)


def _next_attempt(step: Step, state: StepState) -> Step:
    return Step(step.name, step.product_id, step.quantity, state, attempt=step.attempt + 1)
