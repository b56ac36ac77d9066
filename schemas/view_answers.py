"""Bodies of HTTP responses with read models and events (contract, section 4)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from schemas import saga
from schemas.answers import Answer, Status, Version
from schemas.envelopes import Message
from schemas.fields import Id, PersonalText, RecordedCurrency, Timestamp

Count = Annotated[int, Field(ge=0)]
"""Number of pieces, or amount of money in minor units of the currency in the same object."""


class OrderSummary(Answer):
    """Order as it was read. Name and email are null until a customer with this id is registered; `itemCount` counts lines."""

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
    """Page of orders, newest first. `next` is the `after` of the next page, or null."""

    items: list[OrderSummary]
    next: str | None


class ProductStock(Answer):
    """Product as it was read. `available` is the stock on hand that is not reserved."""

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
    """Customer as it was read."""

    customer_id: Id
    name: PersonalText
    email: PersonalText
    currency: RecordedCurrency
    credit_limit: Count
    credit_used: Count
    version: Version
    last_updated: Timestamp


class SagaStep(Answer):
    """Step of a saga: its `state` since `at`, and the reason. TO_UNDO and the states after it are about its compensation."""

    step: saga.StepName
    product_id: Id | None
    state: Literal["PENDING", "ASKED", "PAUSED", "DONE", "FAILED", "TO_UNDO", "UNDOING", "UNDOING_PAUSED", "UNDONE", "NOT_UNDONE"]
    at: Timestamp
    reason: str | None


class SagaStatus(Answer):
    """State of the fulfilment saga of an order."""

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
    """Page of sagas, newest first. `next` is the `after` of the next page, or null."""

    items: list[SagaStatus]
    next: str | None


class EventAnswer(Message):
    """Event as recorded in the log, converted to the current schema version."""

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
    """History of an aggregate, in the order of its versions."""

    items: list[EventAnswer]


class EventsPage(Answer):
    """Page of events of one type. `next` is the `position` of the next page."""

    items: list[EventAnswer]
    next: str
