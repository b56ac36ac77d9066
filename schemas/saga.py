"""The fulfilment saga's events, and the commands by which operators act on it (contract, section 3).

A step is named by `step`, and by `product_id` too where there is one for each product. Doing and undoing have the same steps: which of the
two an event is about follows from the events before it.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelopes import Command, Event, Message, Refusal
from schemas.fields import Id, NotNull, RecordedCurrency, Text, Timestamp, Total

StepName = Literal["order", "payment", "reservation", "confirmation", "shipment"]
"""There is a shipment of a product where the order left before that was reserved."""

SagaStatus = Literal["STARTED", "ORDER_CREATED", "PAYMENT_PROCESSED", "INVENTORY_RESERVED", "COMPLETED", "COMPENSATING", "FAILED", "NEEDS_INTERVENTION"]

Pieces = Annotated[int, Field(ge=1)]
"""Of one product in all lines of an order: more than one line may have."""

Milliseconds = Annotated[int, Field(ge=0)]


class Line(Message):
    """A product of the order, its lines added up."""

    product_id: Id
    quantity: Pieces


class Timing(Message):
    """How long the saga waits, as the settings were when it began."""

    step_timeout_ms: Milliseconds
    backoff_ms: Milliseconds
    """Before the first repetition; each later one waits twice as long as the one before."""
    retries: Annotated[int, Field(ge=0)]


class SagaStarted(Event):
    """An order was placed; all that is to be known of it. `definition` is the version of the saga's rules under which it goes on to its end."""

    definition: Annotated[int, Field(ge=1)]
    correlation_id: str
    customer_id: Id
    amount: Total
    currency: RecordedCurrency
    lines: Annotated[tuple[Line, ...], Field(min_length=1, strict=False)]
    timing: Timing
    deadline_at: Timestamp


class SagaStepCompleted(Event):
    """A step is done. `wait_until` is when the next steps, if they are asked for now, are to be answered."""

    step: StepName
    product_id: Id | None = None
    wait_until: Timestamp | None = None


class SagaStepFailed(Event):
    """A step, or its undoing, was refused, parked or not answered in time. It will be asked for again at `retry_at`; without it that was final."""

    step: StepName
    product_id: Id | None = None
    outcome: Literal["refused", "parked", "timed-out"]
    refusal: Refusal | None = None
    """What the partner said; of a parked command, too."""
    retry_at: Timestamp | None = None
    wait_until: Timestamp | None = None
    """As in SagaStepCompleted: what cannot be undone does not hold up the undoing of the rest."""


class SagaStepRetried(Event):
    """A step is asked for again, and is to be answered by `wait_until`; `reason` is the operator's, where one wanted it."""

    step: StepName
    product_id: Id | None = None
    attempt: Annotated[int, Field(ge=1)]
    """The same attempt is the same command; an operator who has a failed undoing tried again begins another."""
    wait_until: Timestamp
    reason: Text | None = None


class SagaStepSkipped(Event):
    """An operator wants no answer to a step any more: it counts as done, or as undone."""

    step: StepName
    product_id: Id | None = None
    wait_until: Timestamp | None = None
    reason: Text


class SagaTimedOut(Event):
    """The deadline of the whole passed."""

    deadline_at: Timestamp


class SagaDeadlineExtended(Event):
    """An operator gives the saga more time."""

    deadline_at: Timestamp
    reason: Text


class SagaOrderShipped(Event):
    """The order left before all steps were done: the rest is done all the same, and nothing is undone any more."""


class SagaCompensationStarted(Event):
    """What was done, or may have been, is undone from here on; the first of it is to be answered by `wait_until`."""

    reason: Text
    wait_until: Timestamp


class SagaStepCompensated(Event):
    """A step is undone, or there was nothing to undo: `refusal` says so then. `wait_until` as in SagaStepCompleted."""

    step: StepName
    product_id: Id | None = None
    refusal: Refusal | None = None
    wait_until: Timestamp | None = None


class SagaCompleted(Event):
    """The order is confirmed; `reason` is the operator's, where one said so."""

    reason: Text | None = None


class SagaFailed(Event):
    """All is undone, and the order is cancelled."""

    reason: Text


class SagaNeedsIntervention(Event):
    """Something cannot be undone, or cannot be done for an order that has left: these steps are left, and an operator has to act."""

    reason: Text
    steps: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of steps, with the product's id behind a slash where there is one."""


class OperatorCommand(Command):
    """Why is said here, who in `metadata.userId`."""

    reason: Text


class StepCommand(OperatorCommand):
    """About one step."""

    step: StepName
    product_id: Annotated[Id | None, NotNull] = None


class RetryStep(StepCommand):
    """Ask for a step again, now."""


class SkipStep(StepCommand):
    """Wait for a step no more: it was done, or undone, in another way."""


class ForceCompensate(OperatorCommand):
    """Undo everything; where something could not be undone, try again."""


class CompleteSaga(OperatorCommand):
    """End the saga as its order ended: what was left has been settled by hand."""


class ExtendDeadline(OperatorCommand):
    """Give the saga so much more time than it has."""

    seconds: Annotated[int, Field(ge=1, le=10_000_000)]


SagaCommand = RetryStep | SkipStep | ForceCompensate | CompleteSaga | ExtendDeadline
SagaEvent = (
    SagaStarted
    | SagaStepCompleted
    | SagaStepFailed
    | SagaStepRetried
    | SagaStepSkipped
    | SagaTimedOut
    | SagaDeadlineExtended
    | SagaOrderShipped
    | SagaCompensationStarted
    | SagaStepCompensated
    | SagaCompleted
    | SagaFailed
    | SagaNeedsIntervention
)
