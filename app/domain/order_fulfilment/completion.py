"""Completion of a saga once its steps are answered, and the times until which it waits."""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from app.domain.order_fulfilment.evolve import evolve
from app.domain.order_fulfilment.state import Compensating, Finishing, Moving, Running, Saga, Step, StepState
from schemas.fields import TEXT_LENGTH
from schemas.saga import SagaCompensationStarted, SagaCompleted, SagaEvent, SagaFailed, SagaNeedsIntervention
from schemas.timestamp import rfc3339

Events = tuple[SagaEvent, ...]
NONE: Events = ()

LEFT = "the order has left, and not all of it could be done"
"""Reason why a saga that does not compensate needs an operator."""


def concluded(saga: Saga, events: Events) -> Events:
    """Return the events, followed by the end of the saga if they lead to it."""
    return (*events, *end(reduce(evolve, events, saga))) if events else events


def end(saga: Saga) -> Events:
    """Return the end of a saga that no longer waits for anything; no event while it waits, or once it has ended."""
    match saga:
        case Running() if all(step.state is StepState.DONE for step in saga.steps):
            return (SagaCompleted(),)
        case Finishing() | Compensating() if not any(step.is_open or step.state is StepState.PENDING for step in saga.steps):
            return (_stop(saga),)
        case _:
            return NONE


def _stop(saga: Finishing | Compensating) -> SagaEvent:
    failed = tuple(str(step) for step in saga.steps if step.state is StepState.FAILED)
    if failed:
        return SagaNeedsIntervention(reason=saga.reason if isinstance(saga, Compensating) else LEFT, steps=failed)
    return SagaFailed(reason=saga.reason) if isinstance(saga, Compensating) else SagaCompleted()


def compensation(saga: Saga, reason: str, at_ms: int) -> SagaCompensationStarted:
    """Return the event that begins compensation."""
    return SagaCompensationStarted(reason=reason[:TEXT_LENGTH], wait_until=until(saga, at_ms))


def until(saga: Any, at_ms: int) -> str:  # noqa: ANN401 (any saga that has facts)
    """Return the time by which a step requested now must be answered."""
    return rfc3339(at_ms + saga.facts.waits.step_ms)


def named(step: Step) -> dict[str, Any]:
    """Return the fields that name a step in the payload of an event."""
    return {"step": step.name, "product_id": step.product_id}


def wait(saga: Moving, settled: Step, at_ms: int) -> str | None:
    """Return the time by which the next steps must be answered, or None if settling this step requests none.

    For an order that has been shipped, stock is shipped as soon as it is reserved.
    """
    if isinstance(saga, Finishing) and settled.name == "reservation":
        return until(saga, at_ms)
    others = [step for step in saga.steps if step is not settled]
    return until(saga, at_ms) if is_turn(others) else None


def is_turn(others: Iterable[Step]) -> bool:
    """Return True if none of these steps is open and at least one is still pending."""
    states = {step.state for step in others}
    return StepState.PENDING in states and not states & {StepState.ASKED, StepState.PAUSED}
