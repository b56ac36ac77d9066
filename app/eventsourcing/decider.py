"""Chassaing's decider, with one detail: `decide` sees the root and the one order's share of it that the command names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic

from typing_extensions import TypeVar

from schemas.envelopes import Command, Event, Refusal

CommandT = TypeVar("CommandT", bound=Command, default=Any)
EventT = TypeVar("EventT", bound=Event, default=Any)
Root = TypeVar("Root", default=Any)
Detail = TypeVar("Detail", default=Any)
Model = TypeVar("Model")

At = str
"""The broker's time of a command: RFC 3339, UTC with milliseconds."""

Decision = tuple[EventT, ...] | Refusal
"""The events that an accepted command causes, or why it is refused."""


def no_detail(_detail: object, _event: Event) -> None:
    """Nothing stands beside the root."""


@dataclass(frozen=True)
class Decider(Generic[CommandT, EventT, Root, Detail]):
    """An aggregate type as pure functions: nothing here knows a clock, a broker or a table.

    A detail is what stands beside the root for one order: a reservation, a payment; None where there is none.
    """

    aggregate_type: str
    """As on the wire: `Order`."""
    topic: str
    """As in topic names: `order`; the table of the roots has the same name."""
    commands: Mapping[str, type[CommandT]]
    """By command type; each reads its payload with `read`."""
    events: Mapping[str, type[EventT]]
    """By event type, at today's schema version."""
    initial: Root
    """The state of an aggregate without events."""
    decide: Callable[[CommandT, Root, Detail | None, At], Decision[EventT]]
    evolve: Callable[[Root, EventT], Root]
    detail: str | None = None
    """As in the name of the details' table: `reservation`."""
    evolve_detail: Callable[[Detail | None, EventT], Detail | None] = no_detail

    @cached_property
    def naming_orders(self) -> frozenset[str]:
        """The command types that name an order: what such a command changes stands in a row of its own."""
        return frozenset(name for name, model in self.commands.items() if "order_id" in model.model_fields)


def by_name(*models: type[Model]) -> dict[str, type[Model]]:
    """Models by their type names on the wire."""
    return {model.__name__: model for model in models}


def order_named(payload: Command | Event) -> str | None:
    """The order that a command or event names, if it names one: what it changes stands in a row of its own."""
    return getattr(payload, "order_id", None)
