"""Chassaing's decider, with one addition: `decide` sees the root and the detail for the one order that the command names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

from typing_extensions import TypeVar

from app.eventsourcing.integration_event import Publication
from schemas.envelopes import Command, Event, Refusal

CommandT = TypeVar("CommandT", bound=Command, default=Any)
EventT = TypeVar("EventT", bound=Event, default=Any)
Root = TypeVar("Root", default=Any)
Detail = TypeVar("Detail", default=Any)
Model = TypeVar("Model")

At = str
"""Broker's time of a command: RFC 3339, UTC with milliseconds."""

Decision = tuple[EventT, ...] | Refusal
"""Events that an accepted command causes, or the refusal of the command."""


def no_detail(_detail: object, _event: Event) -> None:
    """Return None: the aggregate type has no details."""


@dataclass(frozen=True)
class Decider(Generic[CommandT, EventT, Root, Detail]):
    """An aggregate type as pure functions, without a clock, a broker or a table.

    A detail is the part of the state that belongs to one order: a reservation, a payment; None where there is none.
    """

    aggregate_type: str
    """Name on the wire: `Order`."""
    topic: str
    """Name in topics: `order`. The table of the roots has the same name."""
    commands: Mapping[str, type[CommandT]]
    """Models by command type; each reads its payload with `read`."""
    events: Mapping[str, type[EventT]]
    """Models by event type, at the current schema version."""
    initial: Root
    """State of an aggregate without events."""
    decide: Callable[[CommandT, Root, Detail | None, At], Decision[EventT]]
    evolve: Callable[[Root, EventT], Root]
    publication: Publication | None
    """How its events are published to other services; None: they are not."""
    detail: str | None = None
    """Name in that of the details' table: `reservation`."""
    evolve_detail: Callable[[Detail | None, EventT], Detail | None] = no_detail

    def __post_init__(self) -> None:
        """Raise ValueError for an event type without an entry in the publication: it would be left out by accident."""
        missing = sorted(self.events.keys() - self.publication.events.keys()) if self.publication else []
        if missing:
            raise ValueError(f"{', '.join(missing)} of {self.aggregate_type} is neither published nor left out: add it to its publication, also if it is None")

    @cached_property
    def naming_orders(self) -> frozenset[str]:
        """Command types that name an order. The changes of such a command are in a row of their own."""
        return frozenset(name for name, model in self.commands.items() if "order_id" in model.model_fields)


def by_name(*models: type[Model]) -> dict[str, type[Model]]:
    """Return models by their type names on the wire."""
    return {model.__name__: model for model in models}


def order_named(payload: Command | Event) -> str | None:
    """Return the order that a command or event names, or None. The changes for an order are in a row of their own."""
    return getattr(payload, "order_id", None)
