"""A task: one partition number of the write side. It owns that partition's rows and runs one transaction at a time.

Whatever goes wrong once it is open ends in the same way: the task is taken over again in place, and the log tells what happened.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.kernel.batch import Batch
from app.kernel.intake import Intake
from app.kernel.outcome import LostHistory, RefusedBatch, StoreFailed
from app.kernel.ports import Flow, Handler
from app.kernel.position import Position, positions
from app.kernel.reader import reader
from app.kernel.side import WriteSide
from app.kernel.store import wipe
from app.kernel.takeover import TakeOver
from app.kernel.transaction import producer
from app.kernel.unit import UnitOfWork

log = logging.getLogger(__name__)

UNIT_RECORDS = 2_000
"""The most records one transaction carries: far less than a third of the transaction time-out, and no backlog makes it slower."""

YIELD_EVERY = 200
"""Records between two turns of the event loop."""

RETRY_S = 0.5
CLOSE_S = 2.0


@dataclass
class Work:
    """A batch that an agent handed over, and how far it is."""

    batch: Batch
    handler: Handler
    done: "asyncio.Future[None]"
    at: int = 0

    @property
    def left(self) -> int:
        """Records not yet taken into a transaction."""
        return len(self.batch.records) - self.at

    def finish(self) -> None:
        """Let the agent go on."""
        if not self.done.done():
            self.done.set_result(None)


class Task:
    """Opens, serves until something fails, opens again; `close` ends it."""

    def __init__(self, side: WriteSide, partition: int, flow: Flow, die: Callable[[str], None]) -> None:
        self.partition = partition
        self.opening = 0
        self.positions: dict[str, Position] = {}
        self.group_offsets: dict[str, int] = {}
        self._reached: dict[str, Position] = {}
        self._side = side
        self._flow = flow
        self._die = die
        self._queue: deque[Work] = deque()
        self._wake = asyncio.Event()
        self._idle = asyncio.Lock()
        self._unit: UnitOfWork | None = None
        self._producer: AIOKafkaProducer | None = None
        self._intake = Intake(side.settings, partition)
        self._limit = UNIT_RECORDS
        self._failures: deque[float] = deque(maxlen=3)
        self._live = asyncio.create_task(self._run(), name=f"task-{partition}")
        self.ready = asyncio.Event()

    async def process(self, batch: Batch, handler: Handler) -> None:
        """Hand over a batch; returns when it is committed, or dropped because the task was taken over again and will read it anew."""
        if batch.opening != self.opening:
            return
        work = Work(batch, handler, asyncio.get_running_loop().create_future())
        self._queue.append(work)
        self._wake.set()
        await work.done

    async def rewind(self) -> None:
        """After a rebalance that left the partition here: what was fetched is gone, fetch it again from the position."""
        async with self._idle:
            if self.ready.is_set():
                self._forget()
                await self._flow.start(self.partition, self._offsets())

    def retake(self) -> None:
        """Take the task over again: somebody else may have owned it in between."""
        self._live.cancel()
        self._live = asyncio.create_task(self._again(self._live), name=f"task-{self.partition}")

    async def settle(self) -> None:
        """Wait for the open transaction to end."""
        async with self._idle:
            pass

    async def close(self) -> None:
        """End the task; a transaction that is open is aborted."""
        self._live.cancel()
        await asyncio.wait([self._live])
        self._forget()

    async def _again(self, before: "asyncio.Task[None]") -> None:
        await asyncio.wait([before])
        await self._run()

    async def _run(self) -> None:
        try:
            while True:
                await self._attempt()
        except LostHistory as error:
            self._die(f"task {self.partition}: {error}")
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("task %d ended", self.partition)
            self._die(f"task {self.partition} met an error it does not know: {error!r}")

    async def _attempt(self) -> None:
        """One life of the task, from fence to failure."""
        try:
            await self._open()
            await self._serve()
        except LostHistory:
            raise
        except (FoldstreamError, KafkaError, OSError, StoreFailed, RefusedBatch, TimeoutError) as error:
            await self._failed(error)
        finally:
            await self._release()

    async def _failed(self, error: Exception) -> None:
        """Say what happened; a task that keeps failing after it was open ends the worker, the supervisor starts another."""
        self._flow.stop(self.partition)
        log.warning("task %d is taken over again in place: %s: %s", self.partition, type(error).__name__, error)
        if isinstance(error, StoreFailed):
            await self._release()
            wipe(self._side.store_path(self.partition))
        if self.ready.is_set() and not isinstance(error, RefusedBatch):
            self._count_failure()
        await asyncio.sleep(0 if self.ready.is_set() else RETRY_S)

    def _count_failure(self) -> None:
        now = asyncio.get_running_loop().time()
        if len(self._failures) == self._failures.maxlen and now - self._failures[0] < 60:  # noqa: PLR2004 (a minute)
            self._die(f"task {self.partition} was taken over more than three times in a minute")
        self._failures.append(now)

    async def _open(self) -> None:
        while not await self._flow.owned():  # noqa: ASYNC110 (the group answers, nothing here can be awaited)
            await asyncio.sleep(RETRY_S)
        self._forget()
        settings = self._side.settings
        self._producer = producer(settings.bootstrap, f"{settings.app_id}-{self.partition}")
        await self._producer.start()
        consumer = reader(settings.bootstrap)
        try:
            await consumer.start()
            self._unit, self.positions = await TakeOver(self._side, self.partition, self._producer, consumer).run()
            self._intake.open()
        finally:
            await _stop_reading(consumer)
        self.ready.set()
        await self._flow.start(self.partition, self._offsets())
        log.info("task %d is open", self.partition)

    def _offsets(self) -> dict[str, int]:
        return {topic: position.offset_next for topic, position in self.positions.items()}

    def _forget(self) -> None:
        """Drop every batch fetched so far: each carries the number of the opening it was fetched under."""
        self.opening += 1
        while self._queue:
            self._queue.popleft().finish()

    async def _release(self) -> None:
        self.ready.clear()
        self._forget()
        unit, self._unit = self._unit, None
        if unit is not None:
            unit.drop()
            unit.rows.store.close()
        started, self._producer = self._producer, None
        if started is not None:
            await _stop(started)

    async def _serve(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                async with self._idle:
                    await self._transact()

    async def _transact(self) -> None:
        assert self._unit is not None
        works = list(self._queue)
        self._reached.clear()
        taken = await self._take(works, self._unit)
        if self._unit.rows.changed:
            await self._commit(taken, self._unit)
        while self._queue and not self._queue[0].left:
            self._queue.popleft().finish()

    async def _commit(self, taken: list[ConsumerRecord], unit: UnitOfWork) -> None:
        try:
            await unit.commit()
        except RefusedBatch as refused:
            self._limit = max(1, len(taken) // 2)
            if len(taken) == 1 and not self._intake.condemn(taken[0], str(refused)):
                self._die(f"task {self.partition} cannot even park {taken[0].topic} at {taken[0].offset}: {refused}")
            raise
        self.positions.update(self._reached)
        self._limit = min(UNIT_RECORDS, self._limit * 2)

    async def _take(self, works: list[Work], unit: UnitOfWork) -> list[ConsumerRecord]:
        """Run handlers over as many records as one transaction may carry."""
        taken: list[ConsumerRecord] = []
        for work in works:
            records = self._slice(work, self._limit - len(taken))
            for record in records:
                self._intake.handle(unit, work.handler, record)
                taken.append(record)
                if len(taken) % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
            if records:
                self._reach(records[-1])
        return taken

    def _slice(self, work: Work, room: int) -> list[ConsumerRecord]:
        work.batch.taken = True
        offset_next = self._reached.get(work.batch.topic, self.positions[work.batch.topic]).offset_next
        records = work.batch.records[work.at : work.at + room]
        work.at += len(records)
        return [record for record in records if record.offset >= offset_next]

    def _reach(self, last: ConsumerRecord) -> None:
        """Put the position behind the last record into the transaction."""
        before = self._reached.get(last.topic, self.positions[last.topic])
        assert last.offset >= before.offset_next, "a position never goes back"
        position = Position(before.topic_id, last.offset + 1, self.group_offsets.get(last.topic, before.group_offset))
        self._reached[last.topic] = positions[last.topic] = position


async def _stop_reading(consumer: AIOKafkaConsumer) -> None:
    """Stop a reader; aiokafka can hang here right after a change of assignment, and a task must not."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await consumer.stop()
    except TimeoutError:
        log.info("a reader did not stop in time")


async def _stop(started: AIOKafkaProducer) -> None:
    """Stop a producer; one that is in a transaction aborts it first, if it can do so at once."""
    try:
        async with asyncio.timeout(CLOSE_S):
            if started._txn_manager.is_in_transaction():  # noqa: SLF001 (aiokafka has no public way to ask)
                await started.abort_transaction()
            await started.stop()
    except (KafkaError, TimeoutError, AssertionError) as error:
        log.info("a producer did not stop cleanly, its successor fences it: %r", error)
