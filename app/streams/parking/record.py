"""Records of the topic `parked`: what could not be processed, why, and the outcome (contract, section 2).

The latest record about a location (topic id, partition and offset) says whether the record from there is still parked.
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

FACTS = tuple(f"parked-{name}" for name in ("reason", "error", "agent", "topic", "partition", "offset", "timestamp", "at"))
"""Headers that a parked record carries after its own."""

CUT = "parked-cut"
"""Last header of a record that was too large to keep: which parts of it are truncated, and how many bytes each had."""

SKIP = ("parked-last", "parked-by")
"""Headers of a skip, after those of an outcome: the last offset that is skipped, and who skipped it."""

SKIPPED = "skipped"

KEPT_BYTES = 2 << 20
"""Size above which a record is kept only in part (bytes). Its row has the value as base64, and Foldstream's own records have at most 4 MiB."""

PART_BYTES = 64 << 10
"""Bytes that are kept of a truncated part."""

TOPIC_ID = "parked-topic-id"
"""Header with the id of the record's topic: before the facts of a parked record, and the last one of an outcome.

Records of earlier versions do not have it. An outcome without it is about the record that was parked last from the location.
"""

OUTCOME = tuple(f"parked-{name}" for name in ("topic", "partition", "offset", "outcome", "error", "at"))
"""All headers of the record that reports the outcome of a parked record."""

BLOCKING = frozenset({"failed", "unknown-type", "out-of-order", "behind-parked"})
"""Reasons for which later records of the key have to wait."""

UNKNOWN = "unknown-type"
BEHIND = "behind-parked"
ERROR_LENGTH = 2_000


class Park(Exception):  # noqa: N818 (an instruction, not an error)
    """Instruction to park a record. A handler raises it; the runtime returns it to say why the record is parked."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error[:ERROR_LENGTH].encode(errors="backslashreplace").decode())
        self.reason = reason


class ParkedRecord(Struct, frozen=True):
    """A record that is still parked, as it was read, with the reason. Names of headers are in the form that rows can store."""

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
    """Id of the topic from which it was read; empty when an earlier version parked it."""
    cut: str = ""
    """Truncated parts with their original sizes; empty when the record is complete."""
    generation: int = 0
    """Number of earlier topics of the same name, as far as its task has read them. Records from those are older."""

    @property
    def came_with(self) -> list[tuple[str, bytes | None]]:
        """Headers as they were read."""
        return [(header_names.read(name), content) for name, content in self.headers]

    @property
    def blocks(self) -> bool:
        """Whether later records of its key wait behind it."""
        return self.key is not None and blocks(self.topic, self.agent, self.reason)

    def again(self, park: Park) -> "ParkedRecord":
        """Return a copy that is parked again now, for this reason."""
        return replace(self, reason=park.reason, error=str(park), at=now())

    def record(self) -> ConsumerRecord:
        """Return the record as it was first read, including its timestamp."""
        size = (len(self.key or b""), len(self.value or b""))
        came = (self.topic, self.partition, self.offset, self.timestamp_ms)
        return Kept(*came, 1, self.key, self.value, None, *size, tuple(self.came_with), self.topic_id)


class ParkingOutcome(NamedTuple):
    """Outcome of the record from a location: `released` or `discarded`; or `skipped`, for all offsets up to `last`."""

    topic: str
    partition: int
    offset: int
    outcome: str
    topic_id: str = ""
    last: int = -1


def is_inbox(topic: str, agent: str) -> bool:
    """Return whether a topic, given by its name on the broker, is the inbox of the saga that this agent runs."""
    return topic.endswith(f"saga.{agent}")


def blocks(topic: str, agent: str, reason: str) -> bool:
    """Return whether later records of a key wait behind one that is parked for this reason.

    A saga does not wait behind a record of an unknown type in its inbox.
    """
    return reason in BLOCKING and not (reason == UNKNOWN and is_inbox(topic, agent))


def parse(record: ConsumerRecord | OutgoingRecord) -> ParkedRecord | ParkingOutcome:
    """Parse a record of the topic `parked`."""
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
    """Build the parked form of a record of the current task. Its parts are truncated if the record has more than `kept_bytes`."""
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
    """Return how many bytes a header takes in a row at most. JSON writes a character of a name as up to six."""
    name, content = header
    return 6 * len(name) + len(content or b"") + 16


def outgoing(topic: str, row: ParkedRecord) -> OutgoingRecord:
    """Build the record for the topic `parked` (its name on the broker): the original, plus headers that say why it is parked."""
    facts = (row.reason, row.error, row.agent, row.topic, row.partition, row.offset, row.timestamp_ms, row.at)
    origin = [(TOPIC_ID, row.topic_id.encode())] if row.topic_id else []
    headers = [*row.came_with, *origin, *((name, str(fact).encode()) for name, fact in zip(FACTS, facts, strict=True))]
    if row.cut:
        headers.append((CUT, row.cut.encode()))
    return OutgoingRecord(topic, row.key, row.value, headers, row.partition)  # type: ignore[arg-type]  # a header without a value is one, too


def outcome(topic: str, row: ParkedRecord, became: str, why: str) -> OutgoingRecord:
    """Build the record that reports the outcome of a parked record."""
    facts = (row.topic, row.partition, row.offset, became, why, now())
    headers = [(name, str(fact).encode()) for name, fact in zip(OUTCOME, facts, strict=True)]
    if row.topic_id:
        headers.append((TOPIC_ID, row.topic_id.encode()))
    return OutgoingRecord(topic, row.key, None, headers, row.partition)


def skip(topic: str, skipped: ParkingOutcome, who: str, why: str) -> OutgoingRecord:
    """Build the record that reports skipped offsets. It has no key, because it is about no aggregate."""
    facts = (skipped.topic, skipped.partition, skipped.offset, SKIPPED, why, now(), skipped.last, who, skipped.topic_id)
    headers = [(name, str(fact).encode(errors="backslashreplace")) for name, fact in zip((*OUTCOME, *SKIP, TOPIC_ID), facts, strict=True)]
    return OutgoingRecord(topic, None, None, headers, skipped.partition)
