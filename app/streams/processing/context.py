"""Context of handlers: access to the current unit of work, that is, its rows, outgoing records, replies and counters."""

from collections.abc import Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import ConsumerRecord

from app.streams.kafka.transactions import _NONE, Headers, OutgoingRecord
from app.streams.metrics import Label
from app.streams.processing.replies import PendingReplies, RecordLocation
from app.streams.state.overlay import RowOverlay


class Keyed(Protocol):
    """A record, or a substitute for one, with a key and the partition of that key."""

    @property
    def key(self) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Key of the record (bytes)."""

    @property
    def partition(self) -> int:
        """Partition number."""


@dataclass
class Kept(ConsumerRecord):  # type: ignore[misc]  # aiokafka has no types
    """A parked record as it was first read, with the id of the topic that it was read from."""

    topic_id: str = ""
    """Id of that topic; empty when a version parked the record that did not keep the id."""


class Unit(Protocol):
    """Open unit of work of a task."""

    topic_ids: Mapping[str, str]
    """Ids of the topics that the task reads."""
    rows: RowOverlay
    outgoing: list[OutgoingRecord]
    answers: list[tuple[Hashable, RecordLocation, Any]]
    counted: list[Label]
    waiters: PendingReplies


current: ContextVar[Unit] = ContextVar("current unit of work")


def emit(topic: str, key: bytes, value: bytes, headers: Headers = _NONE) -> None:
    """Write a record to `topic` (its name on the broker) with everything else this transaction causes, or not at all."""
    current.get().outgoing.append(OutgoingRecord(topic, key, value, headers))


def emit_beside(record: Keyed, topic: str, value: bytes, headers: Headers) -> None:
    """Write a record with the key and to the partition of `record`, which is being processed. That partition was found to be the key's own."""
    current.get().outgoing.append(OutgoingRecord(topic, record.key, value, headers, record.partition))


def topic_id(record: ConsumerRecord) -> str:
    """Return the id of the topic that a record was read from. An offset says nothing about another topic of the same name."""
    return record.topic_id if isinstance(record, Kept) else current.get().topic_ids.get(record.topic, "")


def answer(key: Hashable, record: ConsumerRecord, value: Any) -> None:  # noqa: ANN401 (the caller that waits knows the type)
    """Reply to the callers in this process that wait for the record, known by `key`, once this transaction is committed."""
    unit = current.get()
    if key in unit.waiters:
        unit.answers.append((key, RecordLocation(record.topic, record.partition, record.offset), value))


def count(*label: str) -> None:
    """Count something of this transaction, once it is committed: the name of the counter, then its labels, of which there are few."""
    current.get().counted.append(label)
