"""Events of the fulfilment saga, and the commands by which operators act on it (contract, section 3).

`step` names a step, together with `product_id` where there is one step for each product. Forward execution and compensation have the same
steps: the earlier events say which of the two an event is about.
"""

from typing import Annotated, Literal

from pydantic import Field

from schemas.envelopes import Command, Event, Message, Refusal
from schemas.fields import Id, NotNull, RecordedCurrency, Text, Timestamp, Total

StepName = Literal["order", "payment", "reservation", "confirmation", "shipment"]
"""Name of a step. A product has a step `shipment` only if the order was shipped before the product was reserved."""

SagaStatus = Literal["STARTED", "ORDER_CREATED", "PAYMENT_PROCESSED", "INVENTORY_RESERVED", "COMPLETED", "COMPENSATING", "FAILED", "NEEDS_INTERVENTION"]

Pieces = Annotated[int, Field(ge=1)]
"""Pieces of one product in all lines of an order. The sum may exceed the bound of a single line."""

Milliseconds = Annotated[int, Field(ge=0)]


class Line(Message):
    """Product of the order, with its lines added up."""

    product_id: Id
    quantity: Pieces


class Timing(Message):
    """Timeouts and retries of the saga, from the settings when it began."""

    step_timeout_ms: Milliseconds
    backoff_ms: Milliseconds
    """Back-off before the first retry. Each later retry waits twice as long as the one before."""
    retries: Annotated[int, Field(ge=0)]


class SagaStarted(Event):
    """Event: an order was placed, with all facts that the saga needs.

    `definition` is the version of the saga's rules. The saga keeps it to its end.
    """

    definition: Annotated[int, Field(ge=1)]
    correlation_id: str
    customer_id: Id
    amount: Total
    currency: RecordedCurrency
    lines: Annotated[tuple[Line, ...], Field(min_length=1, strict=False)]
    timing: Timing
    deadline_at: Timestamp


class SagaStepCompleted(Event):
    """Event: a step is done. `wait_until` is the time by which the next steps, if requested now, must be answered."""

    step: StepName
    product_id: Id | None = None
    wait_until: Timestamp | None = None


class SagaStepFailed(Event):
    """Event: a step, or its compensation, was refused, parked or not answered in time.

    The saga retries it at `retry_at`. Without `retry_at` the failure is final.
    """

    step: StepName
    product_id: Id | None = None
    outcome: Literal["refused", "parked", "timed-out"]
    refusal: Refusal | None = None
    """Refusal by the participant, also for a parked command."""
    retry_at: Timestamp | None = None
    wait_until: Timestamp | None = None
    """Time by which the next steps must be answered, as in SagaStepCompleted. A failed compensation does not block the others."""


class SagaStepRetried(Event):
    """Event: a step was requested again and must be answered by `wait_until`. `reason` is set if an operator asked for it."""

    step: StepName
    product_id: Id | None = None
    attempt: Annotated[int, Field(ge=1)]
    """Number of the attempt. The same attempt is the same command; retrying a step that failed for good begins another attempt."""
    wait_until: Timestamp
    reason: Text | None = None


class SagaStepSkipped(Event):
    """Event: an operator skipped a step, which now counts as done, or as compensated."""

    step: StepName
    product_id: Id | None = None
    wait_until: Timestamp | None = None
    reason: Text


class SagaTimedOut(Event):
    """Event: the deadline of the whole saga passed."""

    deadline_at: Timestamp


class SagaDeadlineExtended(Event):
    """Event: an operator extended the deadline."""

    deadline_at: Timestamp
    reason: Text


class SagaOrderShipped(Event):
    """Event: the order was shipped before all steps were done. The saga completes the rest and no longer compensates anything."""


class SagaCompensationStarted(Event):
    """Event: compensation of everything that was or may have been done has begun. The first step must be answered by `wait_until`."""

    reason: Text
    wait_until: Timestamp


class SagaStepCompensated(Event):
    """Event: a step is compensated, or `refusal` says that there was nothing to compensate. `wait_until` as in SagaStepCompleted."""

    step: StepName
    product_id: Id | None = None
    refusal: Refusal | None = None
    wait_until: Timestamp | None = None


class SagaCompleted(Event):
    """Event: the saga is completed and the order confirmed or shipped. `reason` is set if an operator ended the saga."""

    reason: Text | None = None


class SagaFailed(Event):
    """Event: everything is compensated, and the order is cancelled."""

    reason: Text


class SagaNeedsIntervention(Event):
    """Event: an operator must act. These steps cannot be compensated, or cannot be done for an order that has been shipped."""

    reason: Text
    steps: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of steps, followed by a slash and the product's id where there is one."""


class OperatorCommand(Command):
    """Base class of operators' commands. `reason` says why; `metadata.userId` says who."""

    reason: Text


class StepCommand(OperatorCommand):
    """Base class of operators' commands about one step."""

    step: StepName
    product_id: Annotated[Id | None, NotNull] = None


class RetryStep(StepCommand):
    """Command to request a step again, now."""


class SkipStep(StepCommand):
    """Command to stop waiting for a step, because it was done, or compensated, in another way."""


class ForceCompensate(OperatorCommand):
    """Command to compensate everything. Compensations that failed are tried again."""


class CompleteSaga(OperatorCommand):
    """Command to end the saga as its order ended. The operator has settled the remaining steps by hand."""


class ExtendDeadline(OperatorCommand):
    """Command to extend the saga's deadline by `seconds`."""

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
