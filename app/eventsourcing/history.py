"""History of an aggregate: its events in order, as they were written."""

from typing import NamedTuple

from msgspec import Raw, Struct

from app.eventsourcing.recorded_event import RecordedEvent


class Entry(NamedTuple):
    """Event at one version of an aggregate."""

    aggregate: str
    """Type and id, as in `Order/o-1`. Ids never contain a slash."""
    version: int
    event: Raw


class Latest(Struct, frozen=True, gc=False):
    """Last event of an aggregate."""

    version: int


def project(event: RecordedEvent, value: bytes) -> Entry:
    """Return the entry of an event, of whatever type."""
    return Entry(named(event.aggregate_type, event.aggregate_id), event.version, Raw(value))


def named(aggregate_type: str, aggregate_id: str) -> str:
    """Name the aggregate to which a history belongs."""
    return f"{aggregate_type}/{aggregate_id}"
