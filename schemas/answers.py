"""The bodies of HTTP answers (contract, section 4); errors are problem details."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from schemas import saga
from schemas.fields import Id, NotNull, PersonalText, RecordedCurrency, Timestamp
from schemas.message import Message, Refusal

Version = Annotated[int, Field(ge=1)]
"""Of an aggregate that exists."""


class Answer(Message):
    """What a client gets: no field comes that is not described."""

    model_config = ConfigDict(extra="forbid")


Status = Literal["PLACED", "CONFIRMED", "SHIPPED", "CANCELLED"]
"""Of an order that was placed."""

Count = Annotated[int, Field(ge=0)]
"""Of pieces, or of money in minor units of the currency beside it."""


class OrderAnswer(Answer):
    """An order after a write."""

    order_id: Id
    version: Version
    status: Status


class ProductAnswer(Answer):
    """A product after a write."""

    product_id: Id
    version: Version


class CustomerAnswer(Answer):
    """A customer after a write."""

    customer_id: Id
    version: Version


class SagaAnswer(Answer):
    """A saga after an operator's action."""

    order_id: Id
    version: Version


class OrderSummary(Answer):
    """An order as it was read; name and email are null while nobody of this id is registered. `itemCount` counts lines."""

    order_id: Id
    customer_id: Id
    customer_name: PersonalText | None
    customer_email: PersonalText | None
    order_date: Timestamp
    status: Status
    total_amount: Count
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


class Unanswered(Answer):
    """The outcome of the command is not known yet: `Location` is where it can be asked for."""

    command_id: Id


class CommandAnswer(Answer):
    """The result of a command, as the topic `results` has it, without its metadata."""

    command_id: Id
    command_type: str
    aggregate_id: Id
    aggregate_type: str
    outcome: Literal["accepted", "refused"]
    version: Annotated[int, Field(ge=0)]
    event_ids: list[Id]
    refusal: Annotated[Refusal | None, NotNull] = None


class ParkedRecord(Answer):
    """A record that could not be processed; key and value as text, cut off after 1,000 characters."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    key: str | None
    reason: Literal["undecodable", "unknown-type", "invalid", "misrouted", "failed", "behind-parked", "out-of-order"]
    error: str
    agent: str
    head: bool
    """Only a head may be retried or discarded."""
    timestamp: str
    parked_at: str
    value: str | None


class ParkedPage(Answer):
    """Records by partition, topic and offset; `next` is where to go on, or null."""

    items: list[ParkedRecord]
    next: str | None


class SettledAnswer(Answer):
    """What became of a parked record."""

    topic: str
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]
    outcome: Literal["released", "discarded"]


class LastBuild(Answer):
    """The build that was shown last; `same` tells whether its rows are those before, byte by byte, and is null where other code had folded these."""

    rebuild_id: Id | None
    generation: Annotated[int, Field(ge=1)]
    same: bool | None


class TableAnswer(Answer):
    """The rows of one table in one partition: which are shown, which are kept, and how far a build is (`done` of `total` events)."""

    table: str
    partition: Annotated[int, Field(ge=0)]
    shown: bool
    """False while the rows on disk are of other code: reads are answered 503."""
    generation: int | None
    kept: int | None
    status: Literal["idle", "building", "paused", "faulty"]
    rebuild_id: Id | None
    """Of the build; null when it began by itself, or there is none."""
    done: Annotated[int, Field(ge=0)]
    total: Annotated[int, Field(ge=0)]
    fault: str | None
    last: LastBuild | None


class TableRow(Answer):
    """One row as it is on disk; `table` is the one of the read model's in which it stands."""

    table: str
    key: str
    row: Any


class TableRowsPage(Answer):
    """Rows by table and key; `positions` are the offsets up to which each topic is in them, `next` is the `after` of the page that follows, or null."""

    positions: dict[str, int]
    items: list[TableRow]
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


class Alive(Answer):
    """The worker makes progress."""

    status: Literal["alive"]


class Ready(Answer):
    """The worker serves all that is assigned to it."""

    status: Literal["ready"]
