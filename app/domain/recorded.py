"""Events as the log of record has them, whatever code wrote them."""

import msgspec
from msgspec import Raw, Struct

from schemas.upcasts import upcasters


class Recorded(Struct, frozen=True, rename="camel"):
    """The part of an event that every view needs; the payload is read by who needs it."""

    event_type: str
    aggregate_type: str
    aggregate_id: str
    version: int
    payload: Raw
    schema_version: int = 1


_recorded = msgspec.json.Decoder(Recorded)


def recorded(value: bytes) -> Recorded:
    """The event in a record. NewerSchema: this code must not read it. msgspec's errors: it is no event."""
    event = _recorded.decode(value)
    upcasters.check(event.event_type, event.schema_version)
    return event


def today(value: bytes) -> bytes:
    """The event as it would be written today; NewerSchema when it is of a later day."""
    event = msgspec.json.decode(value)
    event_type, written = event["eventType"], event.get("schemaVersion")
    if written == upcasters.version(event_type):
        return value
    payload = upcasters.upcast(event_type, written or 1, event["payload"])
    return msgspec.json.encode({**event, "schemaVersion": upcasters.version(event_type), "payload": payload})
