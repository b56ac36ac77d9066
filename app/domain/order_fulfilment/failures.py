"""Failures of steps. The saga retries a failed step, or ends forward execution."""

from typing import Literal

from app.domain.order_fulfilment.completion import Events, compensation, named, wait
from app.domain.order_fulfilment.state import Finishing, Moving, Running, Step
from schemas.envelopes import Refusal
from schemas.saga import SagaStepFailed
from schemas.timestamp import rfc3339

Outcome = Literal["refused", "parked", "timed-out"]


def failed(saga: Moving, step: Step, outcome: Outcome, refusal: Refusal | None, at_ms: int) -> SagaStepFailed:
    """Return the failure with a retry after a growing back-off, or the final failure once the retries are used up."""
    waits, resent = saga.facts.waits, step.resent - step.granted
    if resent >= waits.retries:
        return final(saga, step, outcome, refusal, at_ms)
    retry_at = rfc3339(at_ms + (waits.backoff_ms << resent))
    return SagaStepFailed(**named(step), outcome=outcome, refusal=refusal, retry_at=retry_at)


def final(saga: Moving, step: Step, outcome: Outcome, refusal: Refusal | None, at_ms: int) -> SagaStepFailed:
    """Return the failure of a step for good. Compensation continues with the remaining steps, and so does the saga of a shipped order."""
    wait_until = None if isinstance(saga, Running) or (isinstance(saga, Finishing) and step.name == "reservation") else wait(saga, step, at_ms)
    return SagaStepFailed(**named(step), outcome=outcome, refusal=refusal, wait_until=wait_until)


def given_up(saga: Moving, events: Events, at_ms: int) -> Events:
    """Return the events, followed by the start of compensation if one of them ends forward execution."""
    last = next((event for event in events if isinstance(event, SagaStepFailed) and event.retry_at is None), None)
    return events if last is None or not isinstance(saga, Running) else (*events, compensation(saga, _told(last), at_ms))


def _told(failure: SagaStepFailed) -> str:
    told = f"{Step(failure.step, failure.product_id)} {failure.outcome}"
    return told if failure.refusal is None else f"{told}: {failure.refusal.code}: {failure.refusal.message}"
