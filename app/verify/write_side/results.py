"""Check that every command has a result, and exactly one first result."""

import sys
from collections.abc import AsyncIterator, Mapping

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.eventsourcing.decide import WINDOW
from app.eventsourcing.ids import event_id
from app.streams.kafka.partitioner import partition_of
from app.topics.contract import command_topic
from app.verify.findings import NUL, FindingKind, RecordRef, place
from app.verify.reading import records as wire
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch
from app.verify.reading.records import Result
from app.verify.whole import VerifyRun
from app.verify.write_side.parked_topic import RELEASED, ParkedLog


class First(Struct, array_like=True):
    """First result of a command."""

    command: int
    """Offset at which the command was read."""
    result: int
    """Offset of the result."""
    version: int
    events: int
    accepted: bool
    sure: bool
    """True if its events must be among those that are read."""
    seen: int = 0
    """Number of its events that were found."""
    nth: int = 0
    """Number of first results in its dedup window so far, including this one."""

    def leads_to(self, version: int) -> bool:
        """Return True if the event at this version of the aggregate is one of its events."""
        return self.accepted and self.version - self.events < version <= self.version


_PREFIX, _LAST, _COUNT = b"first\0", b"last\0", b"count\0"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[First]).decode


class FirstResults:
    """Store of first results. A command whose id was repeated beyond the dedup window has several, because it was executed again."""

    def __init__(self, scratch: DiskMap) -> None:
        self._scratch = scratch

    def all_of(self, name: bytes) -> list[First]:
        """Return the first results of a command in their order. `name` is from `named`."""
        found = self._scratch.get(_PREFIX + name)
        return [] if found is None else _decode(found)

    def last_of(self, name: bytes) -> First | None:
        """Return the last first result of a command, or None."""
        return next(reversed(self.all_of(name)), None)

    def in_window(self, name: bytes, result: Result, order_id: str) -> First | None:
        """Return the command's earlier first result, if it was still in the dedup window when a worker wrote another."""
        known = self.last_of(name)
        return known if known is not None and self._count(result, order_id) - known.nth < WINDOW else None

    def begin(self, name: bytes, result: Result, order_id: str, first: First) -> None:
        """Remember a first result of a command. `order_id` is empty if the command names no order."""
        first.nth = self._count(result, order_id) + 1
        self._scratch.put(_COUNT + _beside(result.aggregate_type, result.aggregate_id, order_id), b"%d" % first.nth)
        self._scratch.put(_PREFIX + name, _encode([*self.all_of(name), first]))
        if first.sure:
            self._scratch.put(_LAST + _beside(result.aggregate_type, result.aggregate_id, order_id), b"%d" % first.result)

    def see(self, name: bytes, seen: First) -> None:
        """Count another found event of this first result."""
        found = self.all_of(name)
        for first in found:
            first.seen += first.result == seen.result
        self._scratch.put(_PREFIX + name, _encode(found))

    def _count(self, result: Result, order_id: str) -> int:
        """Return the number of first results in one dedup window."""
        return int(self._scratch.get(_COUNT + _beside(result.aggregate_type, result.aggregate_id, order_id)) or 0)

    async def last(self, aggregate_type: str) -> AsyncIterator[tuple[str, int]]:
        """Yield the offset of the last first result that rows must reflect, for each aggregate.

        Each order that its commands named has an entry of its own: its id follows the aggregate's after a slash.
        """
        prefix = _LAST + f"{aggregate_type}{NUL}".encode()
        async for key, value in self._scratch.scan(prefix):
            yield key.removeprefix(prefix).decode(), int(value)

    async def eventless(self) -> AsyncIterator[tuple[bytes, First]]:
        """Yield the accepted commands, named as by `named`, of which some events were not found."""
        async for key, value in self._scratch.scan(_PREFIX):
            for first in _decode(value):
                if first.accepted and first.sure and first.seen < first.events:
                    yield key.removeprefix(_PREFIX), first


def named(aggregate_type: str, aggregate_id: str, order_id: str, command_id: str) -> bytes:
    """Return the identity of a command. `order_id` is empty if the command names no order."""
    return f"{aggregate_type}{NUL}{aggregate_id}{NUL}{order_id}{NUL}{command_id}".encode()


def _beside(aggregate_type: str, aggregate_id: str, order_id: str) -> bytes:
    return f"{aggregate_type}{NUL}{aggregate_id}{'/' if order_id else ''}{order_id}".encode()


def told(name: bytes) -> str:
    """Format the identity of a command for a finding."""
    aggregate_type, aggregate_id, order_id, command_id = name.decode().split(NUL, 3)
    return f"{command_id} to {aggregate_type} {aggregate_id}" + (f" about order {order_id}" if order_id else "")


_ANSWER, _COMMAND, _VERSION = b"answer\0", b"command\0", b"version\0"
_ACCEPTED, _OTHER = b"a", b"o"
_COUNTED = 10
"""Most answers that are counted for one record."""

ELSEWHERE = -1
"""Offset of a command from an earlier topic of the same name. It is below all offsets, as if the command had been deleted."""

_TIME_BYTES = 8


class ResultCheck:
    """Check of the results of one partition. Call `results` before `command`, and both before `accepted_command`.

    The topic `results` limits the check: once its beginning was deleted, older commands are not checked.
    """

    def __init__(self, whole: VerifyRun, scratch: DiskMap, parked: ParkedLog, commands: Mapping[str, str], partition: int) -> None:
        """Create the check. `commands` has the topic of the commands by aggregate type."""
        self._whole = whole
        self._scratch = scratch
        self._findings = whole.findings
        self._parked = parked
        self._led = commands
        self._topics = {**commands, saga_decider.aggregate_type: command_topic(whole.settings, saga_decider.aggregate_type)}
        self._partition = partition
        self._floors: dict[str, int] = {}
        """Offset, by topic, of the first command that was never parked and still has its result."""
        self.firsts = FirstResults(scratch)

    @property
    def cut(self) -> bool:
        """True if the beginning of `results` was deleted, and perhaps all of it."""
        return self._whole.logs.span(self._whole.settings.topic("results"), self._partition).begin > 0

    def results(self, batch: Batch) -> None:
        """Check and remember these records of `results`."""
        for record in batch.records:
            if (partition := partition_of(record.key or b"", self._whole.settings.partitions)) != record.partition:
                self._findings.add(FindingKind.WRONG_PARTITION, place(record), f"{record.key!r} belongs to partition {partition}")
            try:
                result, read_at = wire.result(record.value or b""), wire.read_at(record)
            except wire.UNREADABLE as error:
                self._findings.add(FindingKind.UNREADABLE, place(record), f"cannot be read: {error!r}")
            else:
                with self._findings.judging(place(record)):
                    self._take(record, result, read_at, sure=record.offset < batch.sure)

    def command(self, record: ConsumerRecord, *, processed: bool) -> None:
        """Check a command if its task's position is beyond it. Keep it if it was accepted."""
        answers = self._scratch.get(_at(_ANSWER, record.topic, record.offset)) or b""
        if processed and (fault := self._unanswered(record, len(answers))):
            self._findings.add(fault[0], place(record), fault[1])
        if _ACCEPTED in answers:
            time = record.timestamp.to_bytes(_TIME_BYTES, "big", signed=True)
            self._scratch.put(_at(_COMMAND, record.topic, record.offset), time + (record.value or b""))

    def accepted_command(self, topic: str, offset: int) -> tuple[int, bytes] | None:
        """Return timestamp (ms) and value of an accepted command, or None if it is not in the log."""
        found = self._scratch.get(_at(_COMMAND, topic, offset))
        return None if found is None else (int.from_bytes(found[:_TIME_BYTES], "big", signed=True), found[_TIME_BYTES:])

    def _unanswered(self, record: ConsumerRecord, answers: int) -> tuple[FindingKind, str] | None:
        before, after = self._parked.states(record.topic, record.offset)
        if answers > 1:
            return FindingKind.TWO_RESULTS, f"answered {answers} times"
        if answers and after not in {None, RELEASED}:
            return FindingKind.ANSWERED_AND_PARKED, f"was answered, and is {after}"
        if not answers and (after is None or before == RELEASED) and not self._forgotten(record, was_parked=after is not None):
            return FindingKind.NO_RESULT, "was processed, and has neither a result nor been parked"
        return None

    def _take(self, record: ConsumerRecord, result: wire.Result, read_at: wire.ReadAt, *, sure: bool) -> None:
        where, accepted = place(record), result.outcome == "accepted"
        if fault := self._contradiction(result, read_at):
            self._findings.add(FindingKind.WRONG_RESULT, where, fault)
        if result.outcome == "parked":
            return
        if read_at.topic_id not in {"", self._whole.topic_ids.get(read_at.topic)}:
            read_at = read_at._replace(offset=ELSEWHERE)
        elif self._parked.states(read_at.topic, read_at.offset).after is None:
            self._floors.setdefault(read_at.topic, read_at.offset)
        self._count(read_at, _ACCEPTED if accepted and not result.duplicate else _OTHER)
        name = named(result.aggregate_type, result.aggregate_id, read_at.order_id, result.command_id)
        if result.duplicate:
            self._repeated(where, name, result)
        else:
            first = First(read_at.offset, record.offset, result.version or 0, len(result.event_ids), accepted, sure)
            self._first(where, name, result, read_at, first)

    def _count(self, read_at: wire.ReadAt, answer: bytes) -> None:
        key = _at(_ANSWER, read_at.topic, read_at.offset)
        self._scratch.put(key, (self._scratch.get(key) or b"")[: _COUNTED - 1] + answer)

    def _first(self, where: RecordRef, name: bytes, result: wire.Result, read_at: wire.ReadAt, first: First) -> None:
        """Check a first result. A second one of the same command is right only after the dedup window has forgotten the earlier one."""
        again = self.firsts.in_window(name, result, read_at.order_id)
        if again is not None:
            self._findings.add(FindingKind.TWO_RESULTS, where, f"command {told(name)} has a first result at offset {again.result} already")
            return
        if self.firsts.last_of(name) is not None:
            self._whole.sums.again()
        self.firsts.begin(name, result, read_at.order_id, first)
        if result.aggregate_type in self._led:
            self._follow(where, f"{result.aggregate_type}\0{result.aggregate_id}".encode(), first)

    def _follow(self, where: RecordRef, aggregate: bytes, first: First) -> None:
        """Check that the version of an aggregate's result continues from the result before it."""
        before, begun = self._scratch.get(_VERSION + aggregate), first.version - first.events
        if before is not None and int(before) != begun:
            fault = f"is at version {first.version} after {first.events} events, and the result before it was at {int(before)}"
            self._findings.add(FindingKind.WRONG_RESULT, where, fault)
        self._scratch.put(_VERSION + aggregate, b"%d" % first.version)

    def _repeated(self, where: RecordRef, name: bytes, result: wire.Result) -> None:
        """Check the result of a repeated command. Its first result is stored under the order that it names, or under none."""
        first = self.firsts.last_of(name) or self.firsts.last_of(named(result.aggregate_type, result.aggregate_id, "", result.command_id))
        if first is None and not self.cut:
            self._findings.add(FindingKind.NO_FIRST_RESULT, where, f"command {told(name)} was answered as a duplicate, and has no first result")
        if first is not None and (result.version, len(result.event_ids), result.outcome == "accepted") != (first.version, first.events, first.accepted):
            self._findings.add(FindingKind.WRONG_RESULT, where, f"is not what was answered first, at offset {first.result}")

    def _contradiction(self, result: wire.Result, read_at: wire.ReadAt) -> str | None:
        """Return the contradiction in a result itself, or None."""
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

    def _forgotten(self, command: ConsumerRecord, *, was_parked: bool) -> bool:
        """Return True if a command's result may have been deleted. Results are in the order of their commands, except for parked ones."""
        return self.cut and (was_parked or command.offset < self._floors.get(command.topic, sys.maxsize))


def _ids(result: wire.Result, order_id: str | None) -> list[str]:
    count = range(len(result.event_ids))
    return [event_id(result.aggregate_type, result.aggregate_id, result.command_id, index, order_id) for index in count]


def _at(what: bytes, topic: str, offset: int) -> bytes:
    return b"%b%b\0%020d" % (what, topic.encode(), offset)
