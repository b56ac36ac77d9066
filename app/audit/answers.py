"""Whether every command was answered, and for the first time exactly once."""

from collections.abc import Container, Mapping

from aiokafka import ConsumerRecord

from app.audit import wire
from app.audit.finding import Findings, Kind, Place, place
from app.audit.firsts import First, Firsts, named, told
from app.audit.logs import Batch
from app.audit.parked import RELEASED, ParkedLog
from app.audit.scratch import Scratch
from app.domain.ids import event_id
from app.kernel.routing import partition_of

_ANSWER, _COMMAND, _VERSION = b"answer\0", b"command\0", b"version\0"
_ACCEPTED, _OTHER = b"a", b"o"
_COUNTED = 10
"""Answers to one record that are told apart."""

_TIME_BYTES = 8


class Answers:
    """The answers of one partition; `results` comes before `command`, and both before `accepted_command`.

    What a command was answered is only as old as the topic `results`: once its beginning was deleted, older commands are not judged.
    """

    def __init__(self, scratch: Scratch, findings: Findings, parked: ParkedLog, topics: Mapping[str, str], led: Container[str], partitions: int) -> None:  # noqa: PLR0913, PLR0917 (what answers are held against)
        """`topics` are those of the commands by aggregate type; `led` are the types that nothing but commands moves."""
        self._led = led
        self._scratch = scratch
        self._findings = findings
        self._parked = parked
        self._topics = topics
        self._partitions = partitions
        self._oldest: ConsumerRecord | None = None
        self.firsts = Firsts(scratch)

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
            else:
                self._take(record, result, read_at, sure=record.offset < batch.sure)

    def command(self, record: ConsumerRecord, *, processed: bool) -> None:
        """Judge a command if its task has gone past it; keep it if it was accepted."""
        answers = self._scratch.get(_at(_ANSWER, record.topic, record.offset)) or b""
        if processed and (fault := self._unanswered(record, len(answers))):
            self._findings.add(fault[0], place(record), fault[1])
        if _ACCEPTED in answers:
            time = record.timestamp.to_bytes(_TIME_BYTES, "big", signed=True)
            self._scratch.put(_at(_COMMAND, record.topic, record.offset), time + (record.value or b""))

    def accepted_command(self, topic: str, offset: int) -> tuple[int, bytes] | None:
        """Timestamp (ms) and value of a command that was accepted, or None when it is not in the log."""
        found = self._scratch.get(_at(_COMMAND, topic, offset))
        return None if found is None else (int.from_bytes(found[:_TIME_BYTES], "big", signed=True), found[_TIME_BYTES:])

    def _unanswered(self, record: ConsumerRecord, answers: int) -> tuple[Kind, str] | None:
        before, after = self._parked.states(record.topic, record.offset)
        if answers > 1:
            return Kind.TWO_RESULTS, f"answered {answers} times"
        if answers and after not in {None, RELEASED}:
            return Kind.ANSWERED_AND_PARKED, f"was answered, and is {after}"
        if not answers and (after is None or before == RELEASED) and not self._forgotten(record):
            return Kind.NO_RESULT, "was processed, and has neither a result nor been parked"
        return None

    def _take(self, record: ConsumerRecord, result: wire.Result, read_at: wire.ReadAt, *, sure: bool) -> None:
        where, accepted = place(record), result.outcome == "accepted"
        if fault := self._contradiction(result, read_at):
            self._findings.add(Kind.WRONG_RESULT, where, fault)
        if result.outcome == "parked":
            return
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

    def _first(self, where: Place, name: bytes, result: wire.Result, read_at: wire.ReadAt, first: First) -> None:
        known = self.firsts.get(name)
        if known is None:
            self.firsts.begin(result, read_at.order_id, first)
            if result.aggregate_type in self._led:
                self._follow(where, f"{result.aggregate_type}\0{result.aggregate_id}".encode(), first)
        else:
            self._findings.add(Kind.TWO_RESULTS, where, f"command {told(name)} has a first result at offset {known.result} already")

    def _follow(self, where: Place, aggregate: bytes, first: First) -> None:
        """The versions of an aggregate's results lead from one to the next."""
        before, begun = self._scratch.get(_VERSION + aggregate), first.version - first.events
        if before is not None and int(before) != begun:
            fault = f"is at version {first.version} after {first.events} events, and the result before it was at {int(before)}"
            self._findings.add(Kind.WRONG_RESULT, where, fault)
        self._scratch.put(_VERSION + aggregate, b"%d" % first.version)

    def _repeated(self, where: Place, name: bytes, result: wire.Result) -> None:
        """A repetition is known under the order that it names, or under none."""
        first = self.firsts.get(name) or self.firsts.get(named(result.aggregate_type, result.aggregate_id, "", result.command_id))
        if first is None and not self.cut:
            self._findings.add(Kind.NO_FIRST_RESULT, where, f"command {told(name)} was answered as a duplicate, and has no first result")
        if first is not None and (result.version, len(result.event_ids), result.outcome == "accepted") != (first.version, first.events, first.accepted):
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
    def cut(self) -> bool:
        """Whether the beginning of `results` was deleted."""
        return self._oldest is not None and self._oldest.offset > 0

    def _forgotten(self, command: ConsumerRecord) -> bool:
        return self._oldest is not None and self.cut and command.timestamp < self._oldest.timestamp


def _ids(result: wire.Result, order_id: str | None) -> list[str]:
    count = range(len(result.event_ids))
    return [event_id(result.aggregate_type, result.aggregate_id, result.command_id, index, order_id) for index in count]


def _at(what: bytes, topic: str, offset: int) -> bytes:
    return b"%b%b\0%020d" % (what, topic.encode(), offset)
