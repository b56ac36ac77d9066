"""What is told of one order, whatever partition it is told in."""

from enum import StrEnum

import msgspec
from msgspec import Struct


class FactKind(StrEnum):
    """What is told, beside what happened: that is told by the events' types."""

    PLACED = "=placed"
    STARTED = "=started"
    SAGA = "=saga"
    ATTEMPT = "=attempt"
    OPERATOR = "=operator"
    LEFT = "=left"
    MOVING = "=moving"


class OrderTerms(Struct, array_like=True):
    """What an order is about, as OrderPlaced tells it, and SagaStarted."""

    customer_id: str
    total: int
    currency: str
    pieces: dict[str, int]
    """By product."""


class OrderEvent(Struct, array_like=True):
    """An event of an order, or one that moves stock or money for it."""

    event_id: str
    cause: str
    """The command's id."""
    amount: int = 0
    """Pieces, or minor units of `currency`."""
    currency: str = ""
    version: int = 0
    """The event's, in its aggregate: what was given back may have been taken again."""


class SagaEnd(Struct, array_like=True):
    """A saga at its last event."""

    last: str
    """That event's type."""
    partition: int
    offset: int
    unended: bool
    """Whether it waits for nothing, and has not ended."""


class FactsOfOrder(Struct):
    """All that is told of one order."""

    order_id: str
    placed: OrderTerms | None = None
    started: OrderTerms | None = None
    saga: SagaEnd | None = None
    attempts: int = 1
    """In so many at most was any step of the saga asked for."""
    by_operator: bool = False
    """Whether an operator spared the saga a step, or ended it."""
    left: bool = False
    """Whether the saga went on after the order was shipped, to do what was left."""
    moving: bool = False
    """Whether the order or its saga has events that need not be reflected everywhere yet."""
    happened: dict[tuple[str, str], OrderEvent] = msgspec.field(default_factory=dict)
    """The last event by its type and the aggregate's id."""


_wanted = msgspec.json.Decoder(OrderTerms).decode
_happened = msgspec.json.Decoder(OrderEvent).decode
_followed = msgspec.json.Decoder(SagaEnd).decode


def add(told: FactsOfOrder, kind: str, about: str, value: bytes) -> None:
    """Put together what is told: an entry of this kind, about this aggregate, as it was packed."""
    match kind:
        case FactKind.PLACED:
            told.placed = _wanted(value)
        case FactKind.STARTED:
            told.started = _wanted(value)
        case FactKind.SAGA:
            told.saga = _followed(value)
        case FactKind.ATTEMPT:
            told.attempts += 1
        case FactKind.OPERATOR:
            told.by_operator = True
        case FactKind.LEFT:
            told.left = True
        case FactKind.MOVING:
            told.moving = True
        case _:
            told.happened[kind, about] = _happened(value)
