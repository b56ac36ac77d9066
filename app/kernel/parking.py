"""Records that cannot be answered are kept, in order, and what comes behind them on the same key waits (contract, section 2)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord
from msgspec import Struct

from app.kernel.context import Outgoing, current
from app.kernel.table import Table

BLOCKING = frozenset({"failed", "unknown-type", "behind-parked"})
"""Reasons after which later records of the key wait."""


class Park(Exception):  # noqa: N818 (an instruction, not an error)
    """Raised by a handler: park this record."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class Parked(Struct, frozen=True):
    """A record that waits, as it came, and why."""

    topic: str
    offset: int
    timestamp_ms: int
    reason: str
    error: str
    key: bytes
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


parked = Table[Parked](None, name="parked", value_type=Parked)


def queue_of(topic: str, key: bytes) -> str:
    """The name of the queue in which records of this key wait."""
    return f"{topic}\0{key.hex()}"


def outgoing(topic: str, agent: str, record: ConsumerRecord, reason: str, error: str) -> Outgoing:
    """The record for the topic `parked`: as it came, plus headers that say what happened to it."""
    facts = {
        "reason": reason,
        "error": error[:2000],
        "agent": agent,
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    headers = [*record.headers, *((f"parked-{name}", str(value).encode()) for name, value in facts.items())]
    return Outgoing(topic, record.key, record.value, headers, record.partition)


def wait(record: ConsumerRecord, reason: str, error: str) -> None:
    """Keep a blocking record as a row of the task; rows of one queue sort by offset."""
    row = Parked(record.topic, record.offset, record.timestamp, reason, error[:2000], record.key, record.value, list(record.headers))
    parked[f"{queue_of(record.topic, record.key)}\0{record.offset:020d}"] = row


def blocked() -> set[str]:
    """The queues with records waiting, read from the committed rows of the current task."""
    return {key.decode().rpartition("\0")[0] for key, _ in current.get().rows.scan(parked)}
