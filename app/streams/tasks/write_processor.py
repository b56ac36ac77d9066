"""Runs the records that wait through their handlers, one transaction at a time, and moves the positions with them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, time
from typing import Protocol, TypeVar

from aiokafka import ConsumerRecord

from app.streams.errors import RefusedBatch, UnknownOutcome
from app.streams.kafka.transactions import BROKERS_TIME
from app.streams.metrics import Measures
from app.streams.parking.guard import Intake
from app.streams.processing.limits import TRANSACTION_BYTES, TURN_RECORDS
from app.streams.processing.record_queue import Work, portions
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.positions import Position, positions
from app.streams.timers.backoff import Setbacks, Woken

Taken = TypeVar("Taken")
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class Guard(Protocol[Taken_contra]):
    """Who is told what became of a transaction, and so bounds the next of its kind."""

    def refused(self, taken: Sequence[Taken_contra], error: str, /) -> None:
        """It was refused for something in it."""

    def narrow(self, taken: int, /) -> None:
        """Of so many, it failed."""

    def accepted(self, taken: Sequence[Taken_contra], /) -> None:
        """It was committed."""


class Processor:
    """One opening of a task: its unit of work, and where it is in its inputs."""

    def __init__(self, unit: UnitOfWork, intake: Intake, reached: dict[str, Position], group_offsets: Mapping[str, int], measures: Measures) -> None:
        """`reached` is where to go on, by topic; `group_offsets` what the consumer group was told last."""
        self.unit = unit
        self.positions = reached
        self._intake = intake
        self._group_offsets = group_offsets
        self._measures = measures
        self._ahead: dict[str, Position] = {}

    async def transact(self, works: Iterable[Work]) -> None:
        """Process as many records as one transaction may carry. RefusedBatch when something in it is at fault."""
        began_s = monotonic()
        taken = await self._process(works)
        if self.unit.rows.changed:
            await self.commit(taken, began_s)
            self.positions.update(self._ahead)

    async def commit(self, taken: Sequence[ConsumerRecord], began_s: float) -> None:
        """Commit what these records caused, and count it; `began_s` is the monotonic time at which they were taken up."""
        await self._commit(self._intake, taken)
        self._count((record.timestamp for record in taken if record.timestamp_type == BROKERS_TIME), len(taken), began_s)

    async def commit_woken(self, setbacks: Setbacks, woken: Sequence[Woken], began_s: float) -> None:
        """Commit what waking these caused; they were not read from a topic, so nobody waited for them."""
        await self._commit(setbacks, woken)
        self._count((), 0, began_s)

    async def pass_over(self, offsets: Mapping[str, int]) -> None:
        """Move the positions up to these offsets, by topic, in a transaction of their own: what lies between is no record (commit markers, gaps)."""
        self._ahead.clear()
        for topic, offset in offsets.items():
            if offset > self.positions[topic].offset_next:
                self._move(topic, offset)
        if self._ahead:
            await self.unit.commit()
            self.positions.update(self._ahead)

    async def _process(self, works: Iterable[Work]) -> list[ConsumerRecord]:
        self._ahead.clear()
        taken: list[ConsumerRecord] = []
        for work, records in portions(works, self._intake.limit, TRANSACTION_BYTES, lambda work: self._position(work.batch.topic).offset_next):
            for at in range(0, len(records), TURN_RECORDS):
                turn = records[at : at + TURN_RECORDS]
                taken.extend(turn)
                self._intake.handle(self.unit, work.handler, turn)
                self._pack(taken)
                await asyncio.sleep(0)
            self._reach(records[-1])
        return taken

    def _pack(self, taken: Sequence[ConsumerRecord]) -> None:
        try:
            self.unit.pack()
        except RefusedBatch as refused:
            self._refused(self._intake, taken, refused)
            raise

    async def _commit(self, guard: Guard[Taken], taken: Sequence[Taken]) -> None:
        try:
            await self.unit.commit()
        except RefusedBatch as refused:
            self._refused(guard, taken, refused)
            raise
        except UnknownOutcome:
            self._measures.transactions["unknown"] += 1
            guard.narrow(len(taken))
            raise
        guard.accepted(taken)

    def _refused(self, guard: Guard[Taken], taken: Sequence[Taken], why: RefusedBatch) -> None:
        self._measures.transactions["refused"] += 1
        guard.refused(taken, str(why))

    def _count(self, appended_ms: Iterable[int], records: int, began_s: float) -> None:
        self._measures.committed(self.unit.counted, appended_ms, records, time(), monotonic() - began_s)
        self.unit.counted.clear()

    def _reach(self, last: ConsumerRecord) -> None:
        """Put the position behind the last record into the transaction."""
        self._move(last.topic, last.offset + 1)

    def _move(self, topic: str, offset_next: int) -> None:
        before = self._position(topic)
        assert offset_next > before.offset_next, "a position never goes back"
        position = Position(before.topic_id, offset_next, self._group_offsets.get(topic, before.group_offset), before.generation)
        self._ahead[topic] = position
        self.unit.rows.put(positions, topic, position)

    def _position(self, topic: str) -> Position:
        return self._ahead.get(topic) or self.positions[topic]
