"""What follows when a step fails: it is asked for again, or it is the end of the way there."""

from typing import Literal

from app.domain.order_fulfilment.completion import Events, compensation, named, wait
from app.domain.order_fulfilment.state import Finishing, Moving, Running, Step
from schemas.envelopes import Refusal
from schemas.saga import SagaStepFailed
from schemas.timestamp import rfc3339

Outcome = Literal["refused", "parked", "timed-out"]


def failed(saga: Moving, step: Step, outcome: Outcome, refusal: Refusal | None, at_ms: int) -> SagaStepFailed:
    """It is asked for again after a while, each time a longer one, until that was done often enough."""
    waits, resent = saga.facts.waits, step.resent - step.granted
    if resent >= waits.retries:
        return final(saga, step, outcome, refusal, at_ms)
    retry_at = rfc3339(at_ms + (waits.backoff_ms << resent))
    return SagaStepFailed(**named(step), outcome=outcome, refusal=refusal, retry_at=retry_at)


def final(saga: Moving, step: Step, outcome: Outcome, refusal: Refusal | None, at_ms: int) -> SagaStepFailed:
    """It is not asked for again. On the way back the rest is undone all the same, and of an order that has left the rest is done."""
    wait_until = None if isinstance(saga, Running) or (isinstance(saga, Finishing) and step.name == "reservation") else wait(saga, step, at_ms)
    return SagaStepFailed(**named(step), outcome=outcome, refusal=refusal, wait_until=wait_until)


def given_up(saga: Moving, events: Events, at_ms: int) -> Events:
    """The events, and the compensation that follows if one of them is the end of the way there."""
    last = next((event for event in events if isinstance(event, SagaStepFailed) and event.retry_at is None), None)
    return events if last is None or not isinstance(saga, Running) else (*events, compensation(saga, _told(last), at_ms))


def _told(failure: SagaStepFailed) -> str:
    told = f"{Step(failure.step, failure.product_id)} {failure.outcome}"
    return told if failure.refusal is None else f"{told}: {failure.refusal.code}: {failure.refusal.message}"
