"""Elapsed timers of the saga: its deadline, steps that were not answered in time, and steps whose back-off has ended."""

from app.domain.order_fulfilment.completion import NONE, Events, compensation, named, until
from app.domain.order_fulfilment.evolve import evolve
from app.domain.order_fulfilment.failures import failed, given_up
from app.domain.order_fulfilment.state import Moving, Running, Saga, Step, StepState
from schemas.saga import SagaEvent, SagaStepRetried, SagaTimedOut
from schemas.timestamp import rfc3339


def elapsed(saga: Saga, at_ms: int) -> Events:
    """Return the events of an elapsed timer; none if no deadline or step is due yet."""
    match saga:
        case Running() if saga.deadline_ms <= at_ms:
            deadline_at = rfc3339(saga.deadline_ms)
            return SagaTimedOut(deadline_at=deadline_at), compensation(saga, f"not fulfilled by {deadline_at}", at_ms)
        case _ if isinstance(saga, Moving):
            return given_up(saga, _overdue(saga, at_ms), at_ms)
        case _:
            return NONE


def _overdue(saga: Moving, at_ms: int) -> Events:
    """Return the events of all overdue steps, one after another: whether a step requests the next ones depends on those before it."""
    events: list[SagaEvent] = []
    after: Saga = saga
    for step in saga.steps:
        if step.is_open and step.until_ms <= at_ms:
            assert isinstance(after, Moving), "a step that is late does not end the saga"
            events.append(_late(after, step, at_ms))
            after = evolve(after, events[-1])
    return tuple(events)


def _late(saga: Moving, step: Step, at_ms: int) -> SagaEvent:
    if step.state is StepState.PAUSED:
        return SagaStepRetried(**named(step), attempt=step.attempt, wait_until=until(saga, at_ms))
    return failed(saga, step, "timed-out", None, at_ms)
