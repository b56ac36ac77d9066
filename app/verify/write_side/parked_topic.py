"""Check of the topic `parked`: the states of one partition's records, and the order in their queues (contract, section 2)."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct

from app.streams.parking.record import BEHIND, BLOCKING, SKIPPED, ParkedRecord, ParkingOutcome, parse
from app.verify.findings import NUL, FindingKind, Findings, RecordRef, place
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch

RELEASED = "released"
REDIRECTED = "released to its right partition"
"""Outcome of a misrouted record. Its result has the offset in the right partition."""

_SETTLED = {RELEASED, REDIRECTED, "discarded", SKIPPED}


class ParkedStates(NamedTuple):
    """Last state of a record: the reason if it is still parked, otherwise its outcome; None if it was never parked."""

    before: str | None
    """State among the records that everything else must reflect."""
    after: str | None
    """State among all records that are read."""


class _At(Struct, array_like=True, order=True):
    """Location in the topics that have had one name. Generation 0 is the first topic of which a record was parked."""

    generation: int
    offset: int


class _Seen(Struct, array_like=True):
    before: str | None
    after: str
    behind: _At | None = None
    """Next record in the queue."""


class _Queue(Struct, array_like=True):
    head: _At
    tail: _At


_encode = msgspec.json.Encoder().encode
_seen = msgspec.json.Decoder(_Seen).decode
_queue = msgspec.json.Decoder(_Queue).decode


class ParkedLog:
    """Contents of the topic `parked` in one partition, limited to the topics that the write side reads."""

    def __init__(self, scratch: DiskMap, findings: Findings, inputs: Mapping[str, str], logs: Collection[str]) -> None:
        """Create the log. `inputs` has the ids of the current topics by name; `logs` are the names of the event logs."""
        self._scratch = scratch
        self._findings = findings
        self._inputs = inputs
        self._logs = logs
        self._ids: dict[str, list[str]] = {}
        """Ids of all topics that have had a name, in the order in which their records were parked."""

    def read(self, batch: Batch) -> None:
        """Take these records and check their order."""
        for record in batch.records:
            try:
                said = parse(record)
            except (KeyError, ValueError) as error:
                self._findings.add(FindingKind.UNREADABLE, place(record), repr(error))
            else:
                if isinstance(said, ParkingOutcome) and said.outcome == SKIPPED:
                    self._skip(said, sure=record.offset < batch.sure)
                elif said.topic in self._inputs:  # views have parked the others
                    with self._findings.judging(place(record)):
                        self._take(record, said, sure=record.offset < batch.sure)

    def states(self, topic: str, offset: int) -> ParkedStates:
        """Return the states of a record in the current topic of this name."""
        ids = self._ids.get(topic, [])
        named = [ids.index(topic_id) for topic_id in (self._inputs.get(topic), "") if topic_id in ids]
        seen = next(filter(None, (self._seen(topic, _At(generation, offset)) for generation in named)), None)
        return ParkedStates(None, None) if seen is None else ParkedStates(seen.before, seen.after)

    def all_states(self, topic: str, offset: int) -> list[ParkedStates]:
        """Return the states of each record at this offset, in all topics that have had the name."""
        found = (self._seen(topic, _At(generation, offset)) for generation in range(len(self._ids.get(topic, []))))
        return [ParkedStates(seen.before, seen.after) for seen in found if seen is not None]

    async def all(self) -> AsyncIterator[tuple[str, int, ParkedStates]]:
        """Yield the states of all records, by topic and offset."""
        async for key, value in self._scratch.scan(b"parked\0"):
            _, topic, _, offset = key.decode().split(NUL)
            seen = _seen(value)
            yield topic, int(offset), ParkedStates(seen.before, seen.after)

    def _skip(self, said: ParkingOutcome, *, sure: bool) -> None:
        """Take a skipped range. Skipped commands have no effect; skipped events are lost, so each such range is a finding."""
        if said.topic in self._inputs:
            generation = self._generation(said.topic, said.topic_id)
            for offset in range(said.offset, said.last + 1):
                self._put(said.topic, _At(generation, offset), _Seen(SKIPPED if sure else None, SKIPPED))
        elif said.topic in self._logs:
            where = RecordRef(said.topic, said.partition, said.offset, None)
            self._findings.add(FindingKind.SKIPPED, where, f"up to {said.last} events were skipped, and are lost: what follows from them cannot be judged")

    def _take(self, record: ConsumerRecord, said: ParkedRecord | ParkingOutcome, *, sure: bool) -> None:
        at = _At(self._generation_of(said), said.offset)
        seen = self._seen(said.topic, at)
        if fault := self._fault(record.key, said, at, seen):
            self._findings.add(FindingKind.PARKED_ORDER, place(record), f"{said.topic} [{said.partition}] {said.offset} {fault}")
        word = _word(said, seen)
        before, behind = (None, None) if seen is None else (seen.before, seen.behind)
        self._put(said.topic, at, _Seen(word if sure else before, word, behind))
        if record.key is not None:
            self._queue_up(said.topic, record.key, at, word, seen)

    def _generation(self, topic: str, topic_id: str) -> int:
        ids = self._ids.setdefault(topic, [])
        if topic_id not in ids:
            ids.append(topic_id)
        return ids.index(topic_id)

    def _generation_of(self, said: ParkedRecord | ParkingOutcome) -> int:
        """Return the generation of a record's topic. An outcome may lack the topic id; it then means the record parked last at this offset."""
        ids = self._ids.get(said.topic, [])
        if isinstance(said, ParkingOutcome) and said.topic_id not in ids:
            seen = (generation for generation in reversed(range(len(ids))) if self._seen(said.topic, _At(generation, said.offset)) is not None)
            return next(seen, 0)
        return self._generation(said.topic, said.topic_id)

    def _fault(self, key: bytes | None, said: ParkedRecord | ParkingOutcome, at: _At, seen: _Seen | None) -> str | None:
        """Return the fault if this record breaks the order of the queue of its key."""
        open_ = seen is not None and is_open(seen.after)
        queue = None if key is None else self._queue(said.topic, key)
        if isinstance(said, ParkingOutcome) and not open_:
            return f"is {said.outcome}, and was not parked"
        if open_:
            ahead = queue is not None and seen is not None and seen.after in BLOCKING and queue.head != at
            return f"came before its head, {queue.head.offset}" if ahead and queue else None
        if seen is not None:
            return f"is parked again, and was {seen.after}"
        return _entering(said, at, queue) if isinstance(said, ParkedRecord) else None

    def _queue_up(self, topic: str, key: bytes, at: _At, word: str, seen: _Seen | None) -> None:
        waited, waits = seen is not None and seen.after in BLOCKING, word in BLOCKING
        if waits and not waited:
            self._enter(topic, key, at)
        elif waited and not waits:
            self._leave(topic, key)

    def _enter(self, topic: str, key: bytes, at: _At) -> None:
        queue = self._queue(topic, key)
        if queue is None:
            self._scratch.put(_queue_key(topic, key), _encode(_Queue(at, at)))
        elif (last := self._seen(topic, queue.tail)) is not None:
            self._put(topic, queue.tail, _Seen(last.before, last.after, at))
            self._scratch.put(_queue_key(topic, key), _encode(_Queue(queue.head, at)))

    def _leave(self, topic: str, key: bytes) -> None:
        """Remove the head. The next record that still waits becomes the head."""
        queue = self._queue(topic, key)
        head = None if queue is None else queue.head
        while head is not None and (seen := self._seen(topic, head)) is not None and seen.after not in BLOCKING:
            head = seen.behind
        left = None if queue is None or head is None else _encode(_Queue(head, queue.tail))
        self._scratch.put(_queue_key(topic, key), left)

    def _queue(self, topic: str, key: bytes) -> _Queue | None:
        found = self._scratch.get(_queue_key(topic, key))
        return None if found is None else _queue(found)

    def _seen(self, topic: str, at: _At) -> _Seen | None:
        found = self._scratch.get(_place_key(topic, at))
        return None if found is None else _seen(found)

    def _put(self, topic: str, at: _At, seen: _Seen) -> None:
        self._scratch.put(_place_key(topic, at), _encode(seen))


def is_open(word: str | None) -> bool:
    """Return True if a record with this last state is still parked."""
    return word is not None and word not in _SETTLED


def _entering(said: ParkedRecord, at: _At, queue: _Queue | None) -> str | None:
    """Return the fault of a record that is parked for the first time."""
    if queue is None:
        return "is behind nothing" if said.reason == BEHIND else None
    if said.reason != BEHIND:
        return f"is {said.reason}, and not behind {queue.head.offset}, which blocks its key"
    return None if at > queue.tail else f"was parked after {queue.tail.offset}"


def _word(said: ParkedRecord | ParkingOutcome, seen: _Seen | None) -> str:
    if isinstance(said, ParkedRecord):
        return said.reason
    return REDIRECTED if seen is not None and seen.after == "misrouted" and said.outcome == RELEASED else said.outcome


def _place_key(topic: str, at: _At) -> bytes:
    return b"parked\0%b\0%06d\0%020d" % (topic.encode(), at.generation, at.offset)


def _queue_key(topic: str, key: bytes) -> bytes:
    return b"queue\0%b\0%b" % (topic.encode(), key)
