"""Chassaing's decider, with one detail: `decide` sees the root and the one order's share of it that the command names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.message import Command, Event, Refusal

Decision = tuple[Event, ...] | Refusal
"""The events that an accepted command causes, or why it is refused."""


@dataclass(frozen=True)
class Decider:
    """An aggregate type as pure functions: nothing here knows a clock, a broker or a table."""

    aggregate_type: str
    """As on the wire: `Order`."""
    topic: str
    """As in topic names: `order`."""
    commands: Mapping[str, type[Command]]
    events: Mapping[str, type[Event]]
    initial: Any
    """The state of an aggregate without events."""
    decide: Callable[[Any, Any, Any, str], Decision]
    """(command, root, detail, at) → decision; `at` is the broker's time of the command, RFC 3339."""
    evolve: Callable[[Any, Any], Any]
    """(root, event) → root."""
    evolve_detail: Callable[[Any, Any], Any]
    """(detail or None, event) → detail or None."""
    root_type: Any
    detail_type: Any


def by_name(*models: Any) -> dict[str, Any]:  # noqa: ANN401 (classes of commands or of events)
    """Models by their type names on the wire."""
    return {model.__name__: model for model in models}


def order_named(payload: Command | Event) -> str | None:
    """The order that a command or event names, if it names one: what it changes stands in a row of its own."""
    return getattr(payload, "order_id", None)
