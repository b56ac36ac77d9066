"""What the code of an agent or a table stands on while a task runs it: that task's rows and outgoing records."""

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
    """A record, or what stands for one: it has a key, and is on the partition of that."""

    @property
    def key(self) -> Any:  # noqa: ANN401 (aiokafka has no types)
        """Its bytes."""

    @property
    def partition(self) -> int:
        """The number of its partition."""


@dataclass
class Kept(ConsumerRecord):  # type: ignore[misc]  # aiokafka has no types
    """A record that was parked, as it was read the first time, and the id of the topic that it was read from."""

    topic_id: str = ""
    """Empty when it was parked by a version that did not keep it."""


class Unit(Protocol):
    """The open unit of work of a task."""

    topic_ids: Mapping[str, str]
    """Those of the topics that the task reads."""
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
    """The same, of the key of the record that is processed: to its partition, which was found to be the key's own."""
    current.get().outgoing.append(OutgoingRecord(topic, record.key, value, headers, record.partition))


def topic_id(record: ConsumerRecord) -> str:
    """The id of the topic that a record was read from: an offset says nothing about another topic of the same name."""
    return record.topic_id if isinstance(record, Kept) else current.get().topic_ids.get(record.topic, "")


def answer(key: Hashable, record: ConsumerRecord, value: Any) -> None:  # noqa: ANN401 (whoever waits knows the type)
    """Tell who waits in this process for the record, known by `key`, once this transaction is committed."""
    unit = current.get()
    if key in unit.waiters:
        unit.answers.append((key, RecordLocation(record.topic, record.partition, record.offset), value))


def count(*label: str) -> None:
    """Count something of this transaction, once it is committed: what, then its labels, of which there are few."""
    current.get().counted.append(label)
