"""Facts about one order, collected from all partitions."""

from enum import StrEnum

import msgspec
from msgspec import Struct


class FactKind(StrEnum):
    """Kinds of facts, apart from events that happened: their kind is the event's type."""

    PLACED = "=placed"
    STARTED = "=started"
    SAGA = "=saga"
    ATTEMPT = "=attempt"
    OPERATOR = "=operator"
    LEFT = "=left"
    MOVING = "=moving"


class OrderTerms(Struct, array_like=True):
    """Terms of an order, from OrderPlaced or SagaStarted."""

    customer_id: str
    total: int
    currency: str
    pieces: dict[str, int]
    """Pieces by product."""


class OrderEvent(Struct, array_like=True):
    """Event of an order, or one that moves stock or money for it."""

    event_id: str
    cause: str
    """Id of the command that caused it."""
    amount: int = 0
    """Amount in pieces, or in minor units of `currency`."""
    currency: str = ""
    version: int = 0
    """Version of the event in its aggregate. It orders the events, because what was given back may have been taken again."""


class SagaEnd(Struct, array_like=True):
    """State of a saga at its last event."""

    last: str
    """Type of that event."""
    partition: int
    offset: int
    unended: bool
    """True if the saga waits for nothing and has not ended."""


class FactsOfOrder(Struct):
    """All facts about one order."""

    order_id: str
    placed: OrderTerms | None = None
    started: OrderTerms | None = None
    saga: SagaEnd | None = None
    attempts: int = 1
    """Upper bound of the attempts at any step of the saga."""
    by_operator: bool = False
    """True if an operator skipped a step of the saga, or ended it."""
    left: bool = False
    """True if the saga continued after the order was shipped, to complete the remaining steps."""
    moving: bool = False
    """True if the order or its saga has events that need not be reflected everywhere yet."""
    happened: dict[tuple[str, str], OrderEvent] = msgspec.field(default_factory=dict)
    """Last event by its type and the aggregate's id."""


_wanted = msgspec.json.Decoder(OrderTerms).decode
_happened = msgspec.json.Decoder(OrderEvent).decode
_followed = msgspec.json.Decoder(SagaEnd).decode


def add(told: FactsOfOrder, kind: str, about: str, value: bytes) -> None:
    """Add one encoded fact of this kind, about this aggregate, to the facts of its order."""
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
