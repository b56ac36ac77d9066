"""State of the saga from its events. Everything that determines a row is in this file, because the rows' fingerprint covers only this file."""

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
"""Version of these rules. A saga keeps its version to its end.

When the rules change, the old ones stay next to the new ones while a saga of theirs is open.
"""

MOST = 1_000_000_000_000
"""Largest amount that can be paid. One more represents every larger amount, because the customer refuses all of them."""

STANDING = frozenset({"PAID", "RESERVED"})
"""States in a refusal that mean there is something to compensate."""

Settled = SagaStepCompleted | SagaStepCompensated | SagaStepSkipped | SagaStepFailed
Stepped = Settled | SagaStepRetried
Begun = Moving | Completed | NeedsIntervention


def evolve(saga: Saga, event: SagaEvent) -> Saga:  # noqa: C901, PLR0911, PLR0912 (one line for each kind of event)
    """Apply an event."""
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
    """Return True if a failed step may have been done all the same."""
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
    """Return the saga as a moving one. An operator's action resumes a saga that needs intervention."""
    begun = _begun(saga)
    assert not isinstance(begun, Completed), "a completed saga has no open step: the log lacks events of the saga"
    return resumed(begun) if isinstance(begun, NeedsIntervention) else begun


def resumed(saga: NeedsIntervention) -> Finishing | Compensating:
    """Resume the saga in the direction it had before."""
    return Finishing(saga.facts, saga.steps) if saga.shipped else Compensating(saga.facts, saga.steps, saga.reason)


def _with(saga: Moving, event: Stepped, **changes: object) -> Moving:
    """Return the saga with one step changed."""
    same = (event.step, event.product_id)
    return replace(saga, steps=tuple(replace(step, **changes) if (step.name, step.product_id) == same else step for step in saga.steps))


def _settled(saga: Moving, event: Settled, state: StepState, **changes: object) -> Moving:
    """Return the saga with one step answered.

    Requests the next steps if the event says by when they must be answered.
    """
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
    """Return the steps with the next ones requested: all pending steps of the next name."""
    name = next((step.name for step in steps if step.state is StepState.PENDING), None)
    due = {"state": StepState.ASKED, "until_ms": until_ms}
    return tuple(replace(step, **due) if step.name == name and step.state is StepState.PENDING else step for step in steps)


def _compensating(saga: Saga, event: SagaCompensationStarted) -> Compensating:
    begun = _begun(saga)
    steps = _again(begun.steps) if isinstance(begun, NeedsIntervention) else _undone(begun.steps)
    return Compensating(begun.facts, asked(steps, milliseconds(event.wait_until)), event.reason)


def _undone(steps: Steps) -> Steps:
    """Return the compensation of all steps that were or may have been done. Cancelling the order also undoes its confirmation."""
    return tuple(
        Step(step.name, step.product_id, step.quantity, StepState.PENDING if step.to_undo else StepState.NONE, attempt=step.attempt)
        for step in reversed(steps)
        if step.name != "confirmation"
    )


def _finishing(saga: Begun) -> Finishing:
    """Return the saga of a shipped order. If it was compensating, its steps count as failed until an operator retries or skips them."""
    if isinstance(saga, Running):
        return Finishing(saga.facts, saga.steps)
    failed = (Step(step.name, step.product_id, step.quantity, StepState.FAILED, attempt=step.attempt) for step in reversed(saga.steps) if step.name != "order")
    return Finishing(saga.facts, (Step("order", state=StepState.DONE), *failed, Step("confirmation", state=StepState.DONE)))


def _again(steps: Steps) -> Steps:
    """Return the steps, with each failed one pending for another attempt."""
    return tuple(_next_attempt(step, StepState.PENDING) if step.state is StepState.FAILED else step for step in steps)


def _kept(saga: Begun) -> Steps:
    """Return the steps of a completed saga. Steps that an operator settled by hand count as done."""
    return saga.steps if isinstance(saga, Running | Finishing) else tuple(_next_attempt(step, StepState.DONE) for step in saga.steps)


def _next_attempt(step: Step, state: StepState) -> Step:
    return Step(step.name, step.product_id, step.quantity, state, attempt=step.attempt + 1)
