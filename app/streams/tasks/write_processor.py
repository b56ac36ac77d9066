"""Runs waiting records through their handlers, one transaction at a time, and moves the positions with them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic, time
from typing import Protocol, TypeVar

from aiokafka import ConsumerRecord

from app.streams.errors import TransactionRejected, UnknownOutcome
from app.streams.kafka.transactions import BROKERS_TIME
from app.streams.metrics import WorkerMetrics
from app.streams.parking.guard import RecordGuard
from app.streams.processing.limits import TRANSACTION_BYTES, TURN_RECORDS
from app.streams.processing.record_queue import QueuedBatch, portions
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.state.positions import InputPosition, positions
from app.streams.timers.backoff import FiredTimer, TimerBackoff

Taken = TypeVar("Taken")
Taken_contra = TypeVar("Taken_contra", contravariant=True)


class BatchOutcomeListener(Protocol[Taken_contra]):
    """Listener that learns how a transaction ended and limits the size of the next one of its kind."""

    def refused(self, taken: Sequence[Taken_contra], error: str, /) -> None:
        """Handle a rejection: something in the transaction is at fault."""

    def narrow(self, taken: int, /) -> None:
        """Handle the failure of a transaction of so many."""

    def accepted(self, taken: Sequence[Taken_contra], /) -> None:
        """Handle a commit."""


class WriteProcessor:
    """Processor of one incarnation of a task: its unit of work and its positions."""

    def __init__(
        self, unit: TransactionalUnitOfWork, intake: RecordGuard, reached: dict[str, InputPosition], group_offsets: Mapping[str, int], measures: WorkerMetrics
    ) -> None:
        """`reached` are the positions to continue from, by topic; `group_offsets` those last committed to the consumer group."""
        self.unit = unit
        self.positions = reached
        self._intake = intake
        self._group_offsets = group_offsets
        self._measures = measures
        self._ahead: dict[str, InputPosition] = {}

    async def transact(self, works: Iterable[QueuedBatch]) -> None:
        """Process as many records as one transaction may carry. Raise TransactionRejected if something in it is at fault."""
        began_s = monotonic()
        taken = await self._process(works)
        if self.unit.rows.changed:
            await self.commit(taken, began_s)
            self.positions.update(self._ahead)

    async def commit(self, taken: Sequence[ConsumerRecord], began_s: float) -> None:
        """Commit what these records caused, and count it. `began_s` is the monotonic time at which their processing began."""
        await self._commit(self._intake, taken)
        self._count((record.timestamp for record in taken if record.timestamp_type == BROKERS_TIME), len(taken), began_s)

    async def commit_woken(self, setbacks: TimerBackoff, woken: Sequence[FiredTimer], began_s: float) -> None:
        """Commit what these fired timers caused. They were not read from a topic, so there is no latency to count."""
        await self._commit(setbacks, woken)
        self._count((), 0, began_s)

    async def pass_over(self, offsets: Mapping[str, int]) -> None:
        """Move the positions up to these offsets, by topic, in a transaction of their own. No record lies between (commit markers, gaps)."""
        self._ahead.clear()
        for topic, offset in offsets.items():
            if offset > self.positions[topic].offset_next:
                self._move(topic, offset)
        if self._ahead:
            await self.unit.commit()
            self.positions.update(self._ahead)

    async def _process(self, works: Iterable[QueuedBatch]) -> list[ConsumerRecord]:
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
        except TransactionRejected as refused:
            self._refused(self._intake, taken, refused)
            raise

    async def _commit(self, guard: BatchOutcomeListener[Taken], taken: Sequence[Taken]) -> None:
        try:
            await self.unit.commit()
        except TransactionRejected as refused:
            self._refused(guard, taken, refused)
            raise
        except UnknownOutcome:
            self._measures.transactions["unknown"] += 1
            guard.narrow(len(taken))
            raise
        guard.accepted(taken)

    def _refused(self, guard: BatchOutcomeListener[Taken], taken: Sequence[Taken], why: TransactionRejected) -> None:
        self._measures.transactions["refused"] += 1
        guard.refused(taken, str(why))

    def _count(self, appended_ms: Iterable[int], records: int, began_s: float) -> None:
        self._measures.committed(self.unit.counted, appended_ms, records, time(), monotonic() - began_s)
        self.unit.counted.clear()

    def _reach(self, last: ConsumerRecord) -> None:
        """Put the position after the last record into the transaction."""
        self._move(last.topic, last.offset + 1)

    def _move(self, topic: str, offset_next: int) -> None:
        before = self._position(topic)
        assert offset_next > before.offset_next, "a position never goes back"
        position = InputPosition(before.topic_id, offset_next, self._group_offsets.get(topic, before.group_offset), before.generation)
        self._ahead[topic] = position
        self.unit.rows.put(positions, topic, position)

    def _position(self, topic: str) -> InputPosition:
        return self._ahead.get(topic) or self.positions[topic]
