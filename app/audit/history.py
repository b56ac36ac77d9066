"""The log of record of one aggregate type in one partition: what is wrong with it, and what it folds to."""

from collections.abc import Iterator
from typing import Any

from aiokafka import ConsumerRecord
from msgspec import to_builtins
from pydantic import ValidationError

from app.domain.decider import Decider, order_named
from app.kernel.routing import partition_of
from schemas.message import EventEnvelope
from schemas.upcasts import NewerSchema, upcasters

_UNREADABLE = (ValidationError, NewerSchema, KeyError, AssertionError)
"""What reading and folding an event raise when it, or one before it, is not what it must be."""


class History:
    """Folds events in plain memory, with the deciders and nothing else of the product."""

    def __init__(self, decider: Decider, partitions: int) -> None:
        self._decider = decider
        self._partitions = partitions
        self._ids: set[str] = set()
        self._versions: dict[str, int] = {}
        self._roots: dict[str, Any] = {}
        self._details: dict[bytes, Any] = {}

    def read(self, record: ConsumerRecord) -> Iterator[str]:
        """Fold one event; a line for each thing that is wrong with it."""
        where = f"{record.topic} [{record.partition}] {record.offset}"
        try:
            event = EventEnvelope.model_validate_json(record.value or b"")
            yield from (f"{where}: {fault}" for fault in [*self._misplaced(record, event), *self._faults(event)])
            self._take(event)
        except _UNREADABLE as error:
            yield f"{where}: cannot be folded: {error!r}"

    def rows(self) -> Iterator[tuple[bytes, Any]]:
        """What the events fold to, as rows: full key (table, NUL, key) and plain JSON value."""
        for aggregate_id, root in self._roots.items():
            yield _key(self._decider.topic, aggregate_id), {"version": self._versions[aggregate_id], "state": to_builtins(root)}
        for key, detail in self._details.items():
            yield key, to_builtins(detail)

    def _misplaced(self, record: ConsumerRecord, event: EventEnvelope) -> Iterator[str]:
        if record.key != event.aggregate_id.encode():
            yield f"the key {record.key!r} is not the aggregate's id {event.aggregate_id}"
        elif (partition := partition_of(record.key, self._partitions)) != record.partition:
            yield f"{event.aggregate_id} belongs to partition {partition}"
        if event.aggregate_type != self._decider.aggregate_type:
            yield f"an event of a {event.aggregate_type}"

    def _faults(self, event: EventEnvelope) -> Iterator[str]:
        if event.event_id in self._ids:
            yield f"the event id {event.event_id} was there before"
        if event.version != (version := self._version(event)) + 1:
            yield f"version {event.version} of {event.aggregate_id} follows {version}"

    def _version(self, event: EventEnvelope) -> int:
        return self._versions.get(event.aggregate_id, 0)

    def _take(self, event: EventEnvelope) -> None:
        """A version that was there before is not folded again, as no reader of the log would."""
        self._ids.add(event.event_id)
        if event.version > self._version(event):
            self._versions[event.aggregate_id] = event.version
            self._fold(event)

    def _fold(self, event: EventEnvelope) -> None:
        model = self._decider.events[event.event_type]
        payload = model.model_validate(upcasters.upcast(event.event_type, event.schema_version, event.payload))
        root = self._roots.get(event.aggregate_id, self._decider.initial)
        self._roots[event.aggregate_id] = self._decider.evolve(root, payload)
        if self._decider.detail is not None and (order_id := order_named(payload)) is not None:
            key = _key(self._decider.detail, f"{event.aggregate_id}/{order_id}")
            self._details[key] = self._decider.evolve_detail(self._details.get(key), payload)


def _key(table: str, name: str) -> bytes:
    return f"{table}\0{name}".encode()
