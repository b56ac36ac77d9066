"""Events as the log of record has them, whatever code wrote them."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from schemas.upcasters import upcasters

Payload = TypeVar("Payload", bound=Struct)


class RecordedEvent(Struct, frozen=True, rename="camel"):
    """The part of an event that every view needs; the payload is read by who needs it."""

    event_type: str
    aggregate_type: str
    aggregate_id: str
    version: int
    timestamp: str
    payload: Raw
    schema_version: int = 1


class Versioned(Protocol):
    """A row that says which version of its aggregate it reflects."""

    @property
    def version(self) -> int:
        """That of the last event in it."""


REMEMBERED = 64
"""Events that are read once for all read models: more than a view folds in one turn."""

_recorded = msgspec.json.Decoder(RecordedEvent)


@lru_cache(REMEMBERED)
def recorded(value: bytes) -> RecordedEvent:
    """The event in a record, which all read models are given in turn. NewerSchema: this code must not read it. msgspec's errors: it is no event."""
    event = _recorded.decode(value)
    upcasters.check(event.event_type, event.schema_version)
    return event


def payload(event: RecordedEvent, wanted: type[Payload]) -> Payload:
    """What is wanted of an event's payload, in today's schema. msgspec's errors: it does not have that."""
    if event.schema_version == upcasters.version(event.event_type):
        return msgspec.json.decode(event.payload, type=wanted)
    upcast = upcasters.upcast(event.event_type, event.schema_version, msgspec.json.decode(event.payload))
    return msgspec.json.decode(msgspec.json.encode(upcast), type=wanted)  # as bytes, like every other payload: `wanted` may have parts that stay encoded


def upcasts(event_types: Iterable[str]) -> list[Callable[..., Any]]:
    """The functions that read events of these types when they are of an earlier schema: rows depend on them, too."""
    steps = [step.upcast for event_type in event_types for step in upcasters.steps(event_type)]
    return [payload, *steps] if steps else []


class UnexpectedEvent(ValueError):  # noqa: N818 (what it is)
    """An event that cannot follow what is in the row."""

    def __init__(self, event: RecordedEvent) -> None:
        super().__init__(f"{event.event_type} at version {event.version} cannot follow what came before in {event.aggregate_type} {event.aggregate_id}")


def today(value: bytes) -> bytes:
    """The event as it would be written today; NewerSchema when it is of a later day."""
    event = msgspec.json.decode(value)
    event_type, written = event["eventType"], event.get("schemaVersion")
    if written == upcasters.version(event_type):
        return value
    payload = upcasters.upcast(event_type, written or 1, event["payload"])
    return msgspec.json.encode({**event, "schemaVersion": upcasters.version(event_type), "payload": payload})
