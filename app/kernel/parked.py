"""The topic `parked`: records that could not be processed, why, and what became of them (contract, section 2).

The latest record about a place, which is a topic, a partition and an offset, says whether what came from there is open.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord
from msgspec import Struct
from msgspec.structs import replace

from app.clock import now
from app.kernel.context import Kept, Outgoing, topic_id
from app.topics import is_inbox

FACTS = tuple(f"parked-{name}" for name in ("reason", "error", "agent", "topic", "partition", "offset", "timestamp", "at"))
"""The headers that a parked record has behind its own."""

TOPIC_ID = "parked-topic-id"
"""The last header of all: the id of the topic in which the record is; records of earlier versions do not have it."""

OUTCOME = tuple(f"parked-{name}" for name in ("topic", "partition", "offset", "outcome", "error", "at"))
"""All headers of the record that says what became of one."""

BLOCKING = frozenset({"failed", "unknown-type", "out-of-order", "behind-parked"})
"""Reasons after which later records of the key wait."""

UNKNOWN = "unknown-type"
BEHIND = "behind-parked"
ERROR_LENGTH = 2_000


class Park(Exception):  # noqa: N818 (an instruction, not an error)
    """Raised by a handler: park this record. Returned by the kernel: why it is parked."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error[:ERROR_LENGTH])
        self.reason = reason


class Parked(Struct, frozen=True):
    """An open record, as it came, and why it is here."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    reason: str
    error: str
    agent: str
    at: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    topic_id: str = ""
    """That of the topic from which it came; empty when an earlier version parked it."""

    @property
    def blocks(self) -> bool:
        """True if later records of its key wait behind it."""
        return self.key is not None and blocks(self.topic, self.reason)

    def again(self, park: Park) -> "Parked":
        """The same, parked anew."""
        return replace(self, reason=park.reason, error=str(park), at=now())

    def record(self) -> ConsumerRecord:
        """The record as it was read the first time, its timestamp, too."""
        size = (len(self.key or b""), len(self.value or b""))
        came = (self.topic, self.partition, self.offset, self.timestamp_ms)
        return Kept(*came, 1, self.key, self.value, None, *size, tuple(self.headers), self.topic_id)


class Settled(NamedTuple):
    """What became of the record from a place: `released` or `discarded`."""

    topic: str
    partition: int
    offset: int
    outcome: str
    topic_id: str = ""


def blocks(topic: str, reason: str) -> bool:
    """True if later records of a key wait behind one that is parked for this reason. A saga does not wait for what is no word to it."""
    return reason in BLOCKING and not (reason == UNKNOWN and is_inbox(topic))


def parse(record: ConsumerRecord | Outgoing) -> Parked | Settled:
    """What a record of the topic `parked` says."""
    headers = list(record.headers)
    topic_id = (headers.pop()[1] or b"").decode() if headers and headers[-1][0] == TOPIC_ID else ""
    names = tuple(name for name, _ in headers)
    facts = {name: value.decode() for name, value in headers[-len(FACTS) :] if value is not None}
    topic, partition, offset = facts["parked-topic"], int(facts["parked-partition"]), int(facts["parked-offset"])
    if names == OUTCOME:
        return Settled(topic, partition, offset, facts["parked-outcome"], topic_id)
    why = (facts["parked-reason"], facts["parked-error"], facts["parked-agent"], facts["parked-at"])
    return Parked(topic, partition, offset, int(facts["parked-timestamp"]), *why, record.key, record.value, headers[: -len(FACTS)], topic_id)


def from_record(record: ConsumerRecord, agent: str, park: Park) -> Parked:
    """A record of the current task that an agent could not answer."""
    came = (record.topic, record.partition, record.offset, record.timestamp)
    return Parked(*came, park.reason, str(park), agent, now(), record.key, record.value, list(record.headers), topic_id(record))


def outgoing(topic: str, row: Parked) -> Outgoing:
    """The record for the topic `parked` (its name on the broker): as it came, plus headers that say why it is there."""
    facts = (row.reason, row.error, row.agent, row.topic, row.partition, row.offset, row.timestamp_ms, row.at)
    headers = [*row.headers, *((name, str(fact).encode()) for name, fact in zip(FACTS, facts, strict=True)), *_origin(row)]
    return Outgoing(topic, row.key, row.value, headers, row.partition)  # type: ignore[arg-type]  # a header without a value is one, too


def outcome(topic: str, row: Parked, became: str, why: str) -> Outgoing:
    """The record that says what became of an open one."""
    facts = (row.topic, row.partition, row.offset, became, why, now())
    headers = [(name, str(fact).encode()) for name, fact in zip(OUTCOME, facts, strict=True)]
    return Outgoing(topic, row.key, None, [*headers, *_origin(row)], row.partition)


def _origin(row: Parked) -> list[tuple[str, bytes]]:
    return [(TOPIC_ID, row.topic_id.encode())] if row.topic_id else []
