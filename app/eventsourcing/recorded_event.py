"""Events as they are in the log of record, whichever version of the code wrote them."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from schemas.upcasters import upcasters

Payload = TypeVar("Payload", bound=Struct)


class RecordedEvent(Struct, frozen=True, rename="camel"):
    """Fields of an event that every read model needs. The payload is decoded only where it is needed."""

    event_type: str
    aggregate_type: str
    aggregate_id: str
    version: int
    timestamp: str
    payload: Raw
    schema_version: int = 1


class Versioned(Protocol):
    """A row with the version of its aggregate that it reflects."""

    @property
    def version(self) -> int:
        """Version of the last event that the row reflects."""


REMEMBERED = 64
"""Number of events that are decoded once for all read models. It is more than a view task projects in one turn."""

_recorded = msgspec.json.Decoder(RecordedEvent)


@lru_cache(REMEMBERED)
def recorded(value: bytes) -> RecordedEvent:
    """Decode the event in a record, once for all read models in turn.

    Raises NewerSchema when this code must not read it, and msgspec's errors when it is no event.
    """
    event = _recorded.decode(value)
    upcasters.check(event.event_type, event.schema_version)
    return event


def payload(event: RecordedEvent, wanted: type[Payload]) -> Payload:
    """Decode the wanted fields of an event's payload, in the current schema. Raises msgspec's errors when the payload does not have them."""
    if event.schema_version == upcasters.version(event.event_type):
        return msgspec.json.decode(event.payload, type=wanted)
    upcast = upcasters.upcast(event.event_type, event.schema_version, msgspec.json.decode(event.payload))
    return msgspec.json.decode(msgspec.json.encode(upcast), type=wanted)  # as bytes, like every other payload: `wanted` may have parts that stay encoded


def upcasts(event_types: Iterable[str]) -> list[Callable[..., Any]]:
    """Return the functions that upcast events of these types from earlier schemas. Rows depend on them, too."""
    steps = [step.upcast for event_type in event_types for step in upcasters.steps(event_type)]
    return [payload, *steps] if steps else []


class UnexpectedEvent(ValueError):  # noqa: N818 (what it is)
    """Error when an event cannot follow the events that the row reflects."""

    def __init__(self, event: RecordedEvent) -> None:
        super().__init__(f"{event.event_type} at version {event.version} cannot follow what came before in {event.aggregate_type} {event.aggregate_id}")


def today(value: bytes) -> bytes:
    """Return the event in the current schema. Raises NewerSchema when it has a later one."""
    event = msgspec.json.decode(value)
    event_type, written = event["eventType"], event.get("schemaVersion")
    if written == upcasters.version(event_type):
        return value
    payload = upcasters.upcast(event_type, written or 1, event["payload"])
    return msgspec.json.encode({**event, "schemaVersion": upcasters.version(event_type), "payload": payload})
