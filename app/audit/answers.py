"""Whether every command was answered, and for the first time exactly once; and what events the answers tell of."""

from collections.abc import AsyncIterator, Mapping

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct

from app.audit import wire
from app.audit.finding import Findings, Kind, Place, place
from app.audit.logs import Batch
from app.audit.parked import RELEASED, ParkedLog
from app.audit.scratch import Scratch
from app.domain.ids import event_id
from app.kernel.routing import partition_of


class First(Struct, array_like=True):
    """The first result of a command."""

    command: int
    """The offset at which the command was read."""
    result: int
    """The offset of the result."""
    version: int
    events: int
    accepted: bool
    sure: bool
    """Whether its events must be among those that are read."""
    seen: int = 0
    """How many of its events were found."""


_FIRST = b"first\0"
_ANSWER = b"answer\0"
_COMMAND = b"command\0"
_VERSION = b"version\0"
_ACCEPTED, _OTHER = b"a", b"o"
_COUNTED = 10
"""Answers to one record that are told apart."""

_encode = msgspec.msgpack.Encoder().encode
_first = msgspec.msgpack.Decoder(First).decode


class Answers:
    """The answers of one partition; `results` comes before `command`, and both before `first`.

    What a command was answered is only as old as the topic `results`: once its beginning was deleted, older commands are not judged.
    """

    def __init__(self, scratch: Scratch, findings: Findings, parked: ParkedLog, topics: Mapping[str, str], partitions: int) -> None:
        """`topics` are the command topics by aggregate type."""
        self._scratch = scratch
        self._findings = findings
        self._parked = parked
        self._topics = topics
        self._partitions = partitions
        self._oldest: ConsumerRecord | None = None

    def results(self, batch: Batch) -> None:
        """Take these records of `results`."""
        for record in batch.records:
            self._oldest = self._oldest or record
            if (partition := partition_of(record.key or b"", self._partitions)) != record.partition:
                self._findings.add(Kind.WRONG_PARTITION, place(record), f"{record.key!r} belongs to partition {partition}")
            try:
                result, read_at = wire.result(record.value or b""), wire.read_at(record)
            except wire.UNREADABLE as error:
                self._findings.add(Kind.UNREADABLE, place(record), f"cannot be read: {error!r}")
                continue
            self._take(record, result, read_at, sure=record.offset < batch.sure)

    def command(self, record: ConsumerRecord, *, processed: bool) -> None:
        """Judge a command if its task has gone past it; keep it if it was accepted."""
        answers = self._scratch.get(_place_key(_ANSWER, record.topic, record.offset)) or b""
        if processed and (fault := self._unanswered(record, len(answers))):
            self._findings.add(fault[0], place(record), fault[1])
        if _ACCEPTED in answers:
            self._scratch.put(_place_key(_COMMAND, record.topic, record.offset), record.timestamp.to_bytes(8, "big") + (record.value or b""))

    def _unanswered(self, record: ConsumerRecord, answers: int) -> tuple[Kind, str] | None:
        before, after = self._parked.states(record.topic, record.offset)
        if answers > 1:
            return Kind.TWO_RESULTS, f"answered {answers} times"
        if answers and after not in {None, RELEASED}:
            return Kind.ANSWERED_AND_PARKED, f"was answered, and is {after}"
        if not answers and (after is None or before == RELEASED) and not self._forgotten(record):
            return Kind.NO_RESULT, "was processed, and has neither a result nor been parked"
        return None

    def first(self, name: bytes) -> First | None:
        """The first result of a command, by `named`."""
        found = self._scratch.get(_FIRST + name)
        return None if found is None else _first(found)

    def keep(self, name: bytes, first: First) -> None:
        """Remember what was found of its events."""
        self._scratch.put(_FIRST + name, _encode(first))

    def accepted_command(self, topic: str, offset: int) -> tuple[int, bytes] | None:
        """Timestamp (ms) and value of a command that was accepted, or None when it is not in the log."""
        found = self._scratch.get(_place_key(_COMMAND, topic, offset))
        return None if found is None else (int.from_bytes(found[:8], "big"), found[8:])

    async def eventless(self) -> AsyncIterator[tuple[str, First]]:
        """The accepted commands of which not all events were found."""
        async for key, value in self._scratch.scan(_FIRST):
            first = _first(value)
            if first.accepted and first.sure and first.seen < first.events:
                yield _told(key.removeprefix(_FIRST)), first

    def _take(self, record: ConsumerRecord, result: wire.Result, read_at: wire.ReadAt, *, sure: bool) -> None:
        if fault := self._contradiction(result, read_at):
            self._findings.add(Kind.WRONG_RESULT, place(record), fault)
        if result.outcome == "parked":
            return
        self._count(read_at, _ACCEPTED if result.outcome == "accepted" and not result.duplicate else _OTHER)
        name = named(result.aggregate_type, result.aggregate_id, read_at.order_id, result.command_id)
        if result.duplicate:
            self._duplicate(place(record), name, result)
        else:
            first = First(read_at.offset, record.offset, result.version or 0, len(result.event_ids), result.outcome == "accepted", sure)
            self._first_result(place(record), name, result, first)

    def _count(self, read_at: wire.ReadAt, answer: bytes) -> None:
        key = _place_key(_ANSWER, read_at.topic, read_at.offset)
        self._scratch.put(key, (self._scratch.get(key) or b"")[: _COUNTED - 1] + answer)

    def _first_result(self, where: Place, name: bytes, result: wire.Result, first: First) -> None:
        known = self.first(name)
        if known is not None:
            self._findings.add(Kind.TWO_RESULTS, where, f"command {_told(name)} has a first result at offset {known.result} already")
            return
        self.keep(name, first)
        about = _VERSION + f"{result.aggregate_type}\0{result.aggregate_id}".encode()
        before = self._scratch.get(about)
        if before is not None and (reached := int.from_bytes(before, "big")) != first.version - first.events:
            self._findings.add(
                Kind.WRONG_RESULT, where, f"is at version {first.version} after {first.events} events, and the result before it was at {reached}"
            )
        self._scratch.put(about, first.version.to_bytes(8, "big"))

    def _duplicate(self, where: Place, name: bytes, result: wire.Result) -> None:
        """A repetition is known under the order that it names, or under none."""
        without = named(result.aggregate_type, result.aggregate_id, "", result.command_id)
        first = self.first(name) or self.first(without)
        if first is None:
            if not self._cut:
                self._findings.add(Kind.NO_FIRST_RESULT, where, f"command {_told(name)} was answered as a duplicate, and has no first result")
            return
        told = (result.version, len(result.event_ids), result.outcome == "accepted")
        if told != (first.version, first.events, first.accepted):
            self._findings.add(Kind.WRONG_RESULT, where, f"is not what was answered first, at offset {first.result}")

    def _contradiction(self, result: wire.Result, read_at: wire.ReadAt) -> str | None:
        """What is wrong with a result in itself."""
        accepted = result.outcome == "accepted"
        if accepted == (result.refusal is not None) or (not accepted and result.event_ids):
            return f"is {result.outcome}, and says otherwise"
        if (result.version is None) != (result.outcome == "parked"):
            return f"is {result.outcome}, and its version is {result.version}"
        if self._topics.get(result.aggregate_type) != read_at.topic:
            return f"is about a {result.aggregate_type}, and its command was read from {read_at.topic}"
        if accepted and not any(_ids(result, order) == result.event_ids for order in (read_at.order_id or None, None)):
            return f"its event ids {result.event_ids} do not follow from its command"
        return None

    @property
    def _cut(self) -> bool:
        return self._oldest is not None and self._oldest.offset > 0

    def _forgotten(self, command: ConsumerRecord) -> bool:
        return self._oldest is not None and self._cut and command.timestamp < self._oldest.timestamp


def named(aggregate_type: str, aggregate_id: str, order_id: str, command_id: str) -> bytes:
    """What makes a command the same command; `order_id` is empty where it names none."""
    return f"{aggregate_type}\0{aggregate_id}\0{order_id}\0{command_id}".encode()


def _told(name: bytes) -> str:
    aggregate_type, aggregate_id, order_id, command_id = name.decode().split("\0")
    return f"{command_id} to {aggregate_type} {aggregate_id}" + (f" about order {order_id}" if order_id else "")


def _ids(result: wire.Result, order_id: str | None) -> list[str]:
    count = range(len(result.event_ids))
    return [event_id(result.aggregate_type, result.aggregate_id, result.command_id, index, order_id) for index in count]


def _place_key(kind: bytes, topic: str, offset: int) -> bytes:
    return b"%b%b\0%b" % (kind, topic.encode(), offset.to_bytes(8, "big"))
