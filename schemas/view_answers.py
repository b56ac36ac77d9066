"""The bodies of HTTP answers that show read models and events (contract, section 4)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas import saga
from schemas.answers import Answer, Status, Version
from schemas.envelopes import Message
from schemas.fields import Id, PersonalText, RecordedCurrency, Timestamp

Count = Annotated[int, Field(ge=0)]
"""Of pieces, or of money in minor units of the currency beside it."""


class OrderSummary(Answer):
    """An order as it was read; name and email are null while nobody of this id is registered. `itemCount` counts lines."""

    order_id: Id
    customer_id: Id
    customer_name: PersonalText | None
    customer_email: PersonalText | None
    order_date: Timestamp
    status: Status
    total_amount: Annotated[Count, Field(description="at most 10^12; orders that were placed before there was this bound may have more, beyond 64 bits, too")]
    currency: RecordedCurrency
    item_count: Count
    version: Version
    last_updated: Timestamp


class OrdersPage(Answer):
    """Orders, the newest first; `next` is the `after` of the page that follows, or null."""

    items: list[OrderSummary]
    next: str | None


class ProductStock(Answer):
    """A product as it was read; `available` is what is on hand and not reserved."""

    product_id: Id
    name: str
    price: Count
    currency: RecordedCurrency
    on_hand: Count
    reserved: Count
    available: Count
    shipped: Count
    version: Version
    last_updated: Timestamp


class CustomerAccount(Answer):
    """A customer as it was read."""

    customer_id: Id
    name: PersonalText
    email: PersonalText
    currency: RecordedCurrency
    credit_limit: Count
    credit_used: Count
    version: Version
    last_updated: Timestamp


class SagaStep(Answer):
    """A step: where it is since `at`, and why; TO_UNDO and what follows are about undoing it."""

    step: saga.StepName
    product_id: Id | None
    state: Literal["PENDING", "ASKED", "PAUSED", "DONE", "FAILED", "TO_UNDO", "UNDOING", "UNDOING_PAUSED", "UNDONE", "NOT_UNDONE"]
    at: Timestamp
    reason: str | None


class SagaStatus(Answer):
    """How the fulfilment of an order goes."""

    order_id: Id
    status: saga.SagaStatus
    definition: Version
    started_at: Timestamp
    deadline_at: Timestamp
    reason: str | None
    steps: list[SagaStep]
    version: Version
    last_updated: Timestamp


class SagasPage(Answer):
    """Sagas, the newest first; `next` is the `after` of the page that follows, or null."""

    items: list[SagaStatus]
    next: str | None


class EventAnswer(Message):
    """An event as the log has it, in today's schema."""

    event_id: Id
    event_type: str
    aggregate_id: Id
    aggregate_type: str
    version: Version
    schema_version: Version
    timestamp: str
    metadata: dict[str, Any]
    payload: dict[str, Any]


class EventsAnswer(Answer):
    """The history of an aggregate, in the order of its versions."""

    items: list[EventAnswer]


class EventsPage(Answer):
    """Events of one type; `next` is the `position` of the page that follows."""

    items: list[EventAnswer]
    next: str
