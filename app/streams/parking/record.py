"""The topic `parked`: records that could not be processed, why, and what became of them (contract, section 2).

The latest record about a place, which is a topic (of an id), a partition and an offset, says whether what came from there is open.
"""

from collections.abc import Sequence
from typing import NamedTuple

from aiokafka import ConsumerRecord
from msgspec import Struct
from msgspec.structs import replace

from app.clock import now
from app.streams.aiokafka_patches import header_names
from app.streams.kafka.transactions import OutgoingRecord
from app.streams.processing.context import Kept, topic_id
from app.topics import is_inbox

FACTS = tuple(f"parked-{name}" for name in ("reason", "error", "agent", "topic", "partition", "offset", "timestamp", "at"))
"""The headers that a parked record has behind its own."""

CUT = "parked-cut"
"""The header behind those of a record that was too large to keep: which parts of it are cut, and how many bytes each had."""

SKIP = ("parked-last", "parked-by")
"""The headers behind those of an outcome that is a skip: the last offset that is skipped, and who did so."""

SKIPPED = "skipped"

KEPT_BYTES = 2 << 20
"""A record that is larger is kept in part: its row has the value as base64, and a record of ours has at most 4 MiB (bytes)."""

PART_BYTES = 64 << 10
"""What is kept of a part that is cut (bytes)."""

TOPIC_ID = "parked-topic-id"
"""The header before the facts, and the last of what became of one: the id of the topic in which the record is.

Records of earlier versions do not have it. What became of a record is then about the one that was parked last from the place.
"""

OUTCOME = tuple(f"parked-{name}" for name in ("topic", "partition", "offset", "outcome", "error", "at"))
"""All headers of the record that says what became of one."""

BLOCKING = frozenset({"failed", "unknown-type", "out-of-order", "behind-parked"})
"""Reasons after which later records of the key wait."""

UNKNOWN = "unknown-type"
BEHIND = "behind-parked"
ERROR_LENGTH = 2_000


class Park(Exception):  # noqa: N818 (an instruction, not an error)
    """Raised by a handler: park this record. Returned by the runtime: why it is parked."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error[:ERROR_LENGTH].encode(errors="backslashreplace").decode())
        self.reason = reason


class ParkedRecord(Struct, frozen=True):
    """An open record, as it came, and why it is here; the names of its headers are as rows can have them."""

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
    cut: str = ""
    """Which parts are kept in part only, with their sizes; empty when it is whole."""
    generation: int = 0
    """How many other topics had the name of its topic before, as far as its task has read them: what came from those is older."""

    @property
    def came_with(self) -> list[tuple[str, bytes | None]]:
        """Its headers as they came."""
        return [(header_names.read(name), content) for name, content in self.headers]

    @property
    def blocks(self) -> bool:
        """True if later records of its key wait behind it."""
        return self.key is not None and blocks(self.topic, self.reason)

    def again(self, park: Park) -> "ParkedRecord":
        """The same, parked anew."""
        return replace(self, reason=park.reason, error=str(park), at=now())

    def record(self) -> ConsumerRecord:
        """The record as it was read the first time, its timestamp, too."""
        size = (len(self.key or b""), len(self.value or b""))
        came = (self.topic, self.partition, self.offset, self.timestamp_ms)
        return Kept(*came, 1, self.key, self.value, None, *size, tuple(self.came_with), self.topic_id)


class ParkingOutcome(NamedTuple):
    """What became of the record from a place: `released` or `discarded`; or that all up to `last` is `skipped`."""

    topic: str
    partition: int
    offset: int
    outcome: str
    topic_id: str = ""
    last: int = -1


def blocks(topic: str, reason: str) -> bool:
    """True if later records of a key wait behind one that is parked for this reason. A saga does not wait for what is no word to it."""
    return reason in BLOCKING and not (reason == UNKNOWN and is_inbox(topic))


def parse(record: ConsumerRecord | OutgoingRecord) -> ParkedRecord | ParkingOutcome:
    """What a record of the topic `parked` says."""
    headers = list(record.headers)
    topic_id = (headers.pop()[1] or b"").decode() if headers and headers[-1][0] == TOPIC_ID else ""
    cut = (headers.pop()[1] or b"").decode() if headers and headers[-1][0] == CUT else ""
    last = -1
    if tuple(name for name, _ in headers) == OUTCOME + SKIP:
        last = int(headers[len(OUTCOME)][1] or b"")
        del headers[len(OUTCOME) :]
    names = tuple(name for name, _ in headers)
    facts = {name: value.decode() for name, value in headers[-len(FACTS) :] if value is not None}
    came = headers[: -len(FACTS)]
    topic, partition, offset = facts["parked-topic"], int(facts["parked-partition"]), int(facts["parked-offset"])
    if names == OUTCOME:
        return ParkingOutcome(topic, partition, offset, facts["parked-outcome"], topic_id, last)
    if came and came[-1][0] == TOPIC_ID:
        topic_id = (came.pop()[1] or b"").decode()
    why = (facts["parked-reason"], facts["parked-error"], facts["parked-agent"], facts["parked-at"])
    return ParkedRecord(topic, partition, offset, int(facts["parked-timestamp"]), *why, record.key, record.value, _stored(came), topic_id, cut)


def from_record(record: ConsumerRecord, agent: str, park: Park, kept_bytes: int = KEPT_BYTES, generation: int = 0) -> ParkedRecord:
    """A record of the current task that an agent could not answer; cut if it has more than these bytes."""
    came = (record.topic, record.partition, record.offset, record.timestamp)
    why = (park.reason, str(park), agent, now())
    sizes = {"key": len(record.key or b""), "value": len(record.value or b""), "headers": sum(map(_size, record.headers))}
    if sizes["key"] <= PART_BYTES and sum(sizes.values()) <= kept_bytes:
        return ParkedRecord(*came, *why, record.key, record.value, _stored(record.headers), topic_id(record), "", generation)
    part_bytes = min(PART_BYTES, kept_bytes)
    cut = ", ".join(f"{part} {size}" for part, size in sizes.items() if size > part_bytes)
    headers = _stored(record.headers) if sizes["headers"] <= part_bytes else []
    return ParkedRecord(
        *came, *why, record.key and record.key[:part_bytes], record.value and record.value[:part_bytes], headers, topic_id(record), cut, generation
    )


def _stored(headers: Sequence[tuple[str, bytes | None]]) -> list[tuple[str, bytes | None]]:
    return [(header_names.stored(name), content) for name, content in headers]


def _size(header: tuple[str, bytes | None]) -> int:
    """What a header takes in a row at most (bytes): JSON writes a character of a name as up to six."""
    name, content = header
    return 6 * len(name) + len(content or b"") + 16


def outgoing(topic: str, row: ParkedRecord) -> OutgoingRecord:
    """The record for the topic `parked` (its name on the broker): as it came, plus headers that say why it is there."""
    facts = (row.reason, row.error, row.agent, row.topic, row.partition, row.offset, row.timestamp_ms, row.at)
    origin = [(TOPIC_ID, row.topic_id.encode())] if row.topic_id else []
    headers = [*row.came_with, *origin, *((name, str(fact).encode()) for name, fact in zip(FACTS, facts, strict=True))]
    if row.cut:
        headers.append((CUT, row.cut.encode()))
    return OutgoingRecord(topic, row.key, row.value, headers, row.partition)  # type: ignore[arg-type]  # a header without a value is one, too


def outcome(topic: str, row: ParkedRecord, became: str, why: str) -> OutgoingRecord:
    """The record that says what became of an open one."""
    facts = (row.topic, row.partition, row.offset, became, why, now())
    headers = [(name, str(fact).encode()) for name, fact in zip(OUTCOME, facts, strict=True)]
    if row.topic_id:
        headers.append((TOPIC_ID, row.topic_id.encode()))
    return OutgoingRecord(topic, row.key, None, headers, row.partition)


def skip(topic: str, skipped: ParkingOutcome, who: str, why: str) -> OutgoingRecord:
    """The record that says that offsets are skipped; it has no key, for it is about no aggregate."""
    facts = (skipped.topic, skipped.partition, skipped.offset, SKIPPED, why, now(), skipped.last, who, skipped.topic_id)
    headers = [(name, str(fact).encode(errors="backslashreplace")) for name, fact in zip((*OUTCOME, *SKIP, TOPIC_ID), facts, strict=True)]
    return OutgoingRecord(topic, None, None, headers, skipped.partition)
