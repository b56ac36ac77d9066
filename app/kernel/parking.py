"""Records that cannot be answered are kept, in order, and what comes behind them on the same key waits (contract, section 2)."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aiokafka import ConsumerRecord
from msgspec import Struct

from app.kernel.context import Outgoing, current
from app.kernel.table import Table

FACTS = tuple(f"parked-{name}" for name in ("reason", "error", "agent", "topic", "partition", "offset", "timestamp", "at"))
"""The headers that a parked record has behind its own."""

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
    headers: Sequence[tuple[str, bytes | None]]


parked = Table[Parked](None, name="parked", value_type=Parked)


def queue_of(topic: str, key: bytes) -> str:
    """The name of the queue in which records of this key wait."""
    return f"{topic}\0{key.hex()}"


def outgoing(topic: str, agent: str, record: ConsumerRecord, reason: str, error: str) -> Outgoing:
    """The record for the topic `parked`: as it came, plus headers that say what happened to it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    facts = (reason, error[:2000], agent, record.topic, record.partition, record.offset, record.timestamp, now)
    headers = [*record.headers, *((name, str(fact).encode()) for name, fact in zip(FACTS, facts, strict=True))]
    return Outgoing(topic, record.key, record.value, headers, record.partition)


def wait(record: ConsumerRecord, reason: str, error: str) -> None:
    """Keep a blocking record as a row of the task; rows of one queue sort by offset."""
    _keep(Parked(record.topic, record.offset, record.timestamp, reason, error[:2000], record.key, record.value, list(record.headers)))


def read_again(record: ConsumerRecord) -> None:
    """Keep, or let go, what a record of the topic `parked` says: that topic alone tells which queues are open."""
    facts = {name: value.decode() for name, value in record.headers if name.startswith("parked-") and value is not None}
    own = len(record.headers) - len(FACTS)
    if tuple(name for name, _ in record.headers[own:]) != FACTS:
        del parked[_row(facts["parked-topic"], record.key or b"", int(facts["parked-offset"]))]
    elif facts["parked-reason"] in BLOCKING and record.key is not None:
        came = (facts["parked-topic"], int(facts["parked-offset"]), int(facts["parked-timestamp"]))
        _keep(Parked(*came, facts["parked-reason"], facts["parked-error"], record.key, record.value, list(record.headers[:own])))


def _keep(row: Parked) -> None:
    parked[_row(row.topic, row.key, row.offset)] = row


def _row(topic: str, key: bytes, offset: int) -> str:
    return f"{queue_of(topic, key)}\0{offset:020d}"


def blocked() -> set[str]:
    """The queues with records waiting, read from the committed rows of the current task."""
    return {key.decode().rpartition("\0")[0] for key in current.get().rows.keys(parked)}
