"""A task: serves one partition number, of the write side or of the read side, until something fails, and then opens again.

A failure restarts the task in place, and the log tells what happened. An error that a retry would not fix keeps the task closed.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from app.diagnosis.kafka_errors import explained
from app.errors import FoldstreamError
from app.streams.errors import FatalTaskError, StateStoreError, TransactionRejected, UnreadableBatch, UnreadableLog
from app.streams.kafka.shutdown import all_ended
from app.streams.kafka.skips import NONE, Skips
from app.streams.logs.known import Known
from app.streams.parking.guard import RecordGuard
from app.streams.parking.record import Park
from app.streams.parking.release import Commit, ParkedReleaser, ReleaseRequest, TaskReleases
from app.streams.processing.handlers import FetchControl, RecordHandler
from app.streams.processing.record_queue import BatchQueue, RecordBatch
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.positions import InputPosition
from app.streams.state.store import StateStore, wipe
from app.streams.tasks.supervision import Supervision
from app.streams.topology import WriteTopology

log = logging.getLogger(__name__)

RETRY_S = 0.5
SETTLE_S = 3.0
"""Timeout of a closing task for its open transaction, which is aborted after that (seconds)."""

EXPECTED = (FoldstreamError, KafkaError, OSError, StateStoreError, TransactionRejected, TimeoutError)
"""Errors that a task may meet at any time. Any other error is logged with its traceback, and the task is restarted all the same."""


class Task(ABC):
    """Base class of write tasks and view tasks. A subclass implements `_open` and `_take_in`; `start` begins its work, `close` ends it."""

    kind: str
    """Prefix of the task's name in logs: `task` or `view`."""

    def __init__(self, side: WriteTopology, partition: int, flow: FetchControl) -> None:
        self.partition = partition
        self._group_offsets: dict[str, int] = {}
        self.ready = asyncio.Event()
        self.supervision = Supervision()
        self._fault: Exception | None = None
        self._skips = NONE
        self._skips_known = 0
        self._following = set[asyncio.Task[None]]()
        """Background work because of records that cannot be read."""
        self._side = side
        self._flow = flow
        self._accept_loss = side.accept_loss and self.name not in side.opened
        self._fold_again = side.fold_again and self.name not in side.opened
        self._queue = BatchQueue()
        self._idle = asyncio.Lock()
        self._settled = False
        self._still = False
        self._idle_at: Mapping[str, int] = {}
        self._releases = TaskReleases()
        self._runs: list[asyncio.Task[None]] = []
        """The run that was begun last, at the end, and earlier ones that have not ended yet."""

    @property
    @abstractmethod
    def disk(self) -> Path:
        """Path of its rows on disk."""

    @property
    @abstractmethod
    def positions(self) -> Mapping[str, InputPosition]:
        """Positions of the open task in its inputs, by topic; empty while it is not open."""

    @property
    @abstractmethod
    def store(self) -> StateStore:
        """Committed rows of the open task."""

    @property
    @abstractmethod
    def known(self) -> Known | None:
        """State of its logs as the open task knows it; None while it is not open."""

    @abstractmethod
    async def disclaim(self) -> None:
        """Release ownership of the partition, before a clean stop, once the task is drained."""

    @abstractmethod
    async def _open(self) -> None:
        """Find the positions from which to read, and the rows that belong to them."""

    @abstractmethod
    async def _take_in(self, queue: BatchQueue) -> None:
        """Process waiting batches in one transaction."""

    @abstractmethod
    async def _pass_over(self, offsets: Mapping[str, int]) -> None:
        """Move the positions up to these offsets, by topic. Between a position and its offset there is no record."""

    @abstractmethod
    async def _let_go(self, *, abort: bool) -> None:
        """Close the resources that `_open` has opened. Only a task that did not fail may `abort`: after an unknown outcome the next epoch finds out."""

    @abstractmethod
    def _tell_waiters(self) -> None:
        """Fail all pending replies: the transaction's outcome is unknown."""

    @property
    def name(self) -> str:
        """Name of the task in logs."""
        return f"{self.kind} {self.partition}"

    @property
    def serving(self) -> bool:
        """True while its rows can be served."""
        return self.ready.is_set()

    @property
    def stop_reason(self) -> str:
        """Reason why the task stays closed or no longer reads a topic, until an operator acts; empty if there is none."""
        return self.supervision.stop_reason

    @property
    def stopped(self) -> bool:
        """True while the task does not do all of its work, until an operator acts."""
        return bool(self.stop_reason)

    @property
    def trouble(self) -> str:
        """Reason of the current pause or of one that has just ended, or else the records that the broker does not return; empty if there is none."""
        return self.supervision.trouble(is_open=self.ready.is_set())

    @property
    def opening(self) -> int:
        """Number of this incarnation. Records fetched under another one are not processed."""
        return self._queue.opening

    @property
    def busy(self) -> bool:
        """True while batches wait, or the task is not open."""
        return bool(self._queue) or not self.ready.is_set()

    def read_up_to(self, opening: int, fetched: Mapping[str, int]) -> dict[str, int]:
        """Return the offset up to which each topic of the open task was read: its position or, once nothing waits, its next fetch offset.

        No record lies between the two then (commit markers, gaps). `fetched` gives the next fetch offsets of the topics of which no record waits for its
        agent; it was requested under this `opening`.
        """
        offsets = self._offsets()
        if self.busy or opening != self.opening:
            return offsets
        return {topic: max(offset, fetched.get(topic, 0)) for topic, offset in offsets.items()}

    def keep_position(self, offsets: Mapping[str, int]) -> None:
        """Store that the topics were read up to these offsets, which `read_up_to` returned."""
        self._idle_at = {topic: offset for topic, offset in offsets.items() if offset > self.positions[topic].offset_next}
        if self._idle_at:
            self._queue.wake()

    @property
    def group_offsets(self) -> Mapping[str, int]:
        """Offsets that were last committed to the consumer group, by topic."""
        return self._group_offsets

    def committed_to_group(self, offsets: Mapping[str, int]) -> None:
        """Note the offsets that were committed to the consumer group. They are stored with the next position of their topic."""
        self._group_offsets.update(offsets)

    def start(self) -> None:
        """Begin to open the task. A task is started once."""
        self._launch(self._run())

    async def process(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Hand over a batch. Return when it is committed, or dropped because the task was restarted and will read it again."""
        await self._queue.put(batch, handler)

    async def release(self, request: ReleaseRequest) -> Park | None:
        """Retry or discard a parked record. Return None once that is committed, or why it still is parked; raise NotParked, NotHead or Interrupted."""
        self._releases.add(request)
        self._queue.wake()
        return await request.done

    async def rewind(self) -> None:
        """Seek back to the positions, after a rebalance that left the partition here. Batches that were fetched before are dropped."""
        async with self._idle:
            if self.ready.is_set():
                self.supervision.unreadable.clear()
                self._queue.renew()
                self._idle_at = {}
                await self._flow.start(self.partition, self._offsets())

    def fail(self, error: Exception) -> None:
        """Restart the task after a pause, because its records cannot be fetched."""
        self._fault = error
        self._queue.wake()

    def cannot_read(self, error: UnreadableBatch) -> None:
        """Continue after records that an operator skipped, or stop reading this topic. All records before were handed over; other topics are still read."""
        topic = error.where.topic
        behind = self._skips.behind(topic, error.first)
        if behind > error.first:
            log.warning("%s passes over %s [%d] %d..%d: it was skipped", self.name, topic, self.partition, error.first, behind - 1)
            self._follow(self._flow.start(self.partition, {topic: behind}))
            return
        self.supervision.unreadable[topic] = str(error)
        log.critical("%s reads no more of %s: %s", self.name, topic, error, extra={"event": "topic_stopped", "task": self.partition})
        self._queue.wake()
        self._follow(self._retake_when_skipped())

    def retake(self) -> None:
        """Restart the task in place: another worker may have owned the partition in between."""
        self._flow.stop(self.partition)
        self._runs[-1].cancel()
        self._runs = [run for run in self._runs if not run.done()]
        self._launch(self._again(tuple(self._runs)))

    async def settle(self) -> None:
        """Drain the task: let the open transaction finish, for a limited time, and begin no other. Only `keep` and `close` may follow."""
        if not self._settled:
            self._settled = True
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self._idle.acquire()
                    self._still = True

    async def keep(self, read_up_to: Mapping[str, int]) -> None:
        """Store in a last transaction how far the topics were read, once the task is drained."""
        offsets = {topic: offset for topic, offset in read_up_to.items() if offset > self.positions[topic].offset_next}
        if offsets and self._still and self.ready.is_set():
            with suppress(TimeoutError, KafkaError, StateStoreError):
                async with asyncio.timeout(SETTLE_S):
                    await self._pass_over(offsets)

    async def close(self) -> None:
        """Stop the task between two transactions. A transaction that takes too long is aborted."""
        await self.settle()
        self._runs[-1].cancel()
        for beside in self._following:
            beside.cancel()
        await all_ended(self._runs)
        self._queue.renew()
        self._releases.interrupt()

    def _launch(self, run: Coroutine[Any, Any, None]) -> None:
        self._runs.append(asyncio.create_task(run, name=self.name))

    async def _again(self, earlier: Iterable["asyncio.Task[None]"]) -> None:
        """Run after all earlier runs have ended. The last one is not enough: it may have been cancelled before it began to wait for the others."""
        await all_ended(earlier)
        await self._run()

    async def _run(self) -> None:
        self.supervision.closed_for = ""
        try:
            while True:
                await self._attempt()
        except (UnreadableLog, FatalTaskError) as error:
            self._stay_closed(str(error))
        except asyncio.CancelledError:
            raise
        except Exception as error:
            log.exception("%s ended", self.name)
            self._stay_closed(f"what must hold does not ({error!r}): the log has more; start the worker again once that is mended")

    async def _read_skips(self, consumer: AIOKafkaConsumer) -> Skips:
        """Read which offsets of the partition operators have skipped, for this incarnation."""
        self._skips = await self._side.skips.read(consumer, self.partition)
        self._skips_known = self._side.skips.count(self.partition)
        return self._skips

    def _follow(self, beside: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(beside, name=f"{self.name}, beside it")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _retake_when_skipped(self) -> None:
        """Restart the task once an operator has skipped something: that may be what stopped it."""
        await self._side.skips.wait(self.partition, self._skips_known)
        log.info("%s is tried again: something was skipped", self.name)
        self.retake()

    def _stay_closed(self, reason: str) -> None:
        """Stop this partition alone. A retry would not help, and the other tasks of the worker continue."""
        self.supervision.closed_for = reason
        self._flow.stop(self.partition)
        self._follow(self._retake_when_skipped())
        self._tell_waiters()
        log.critical("%s stays closed: %s", self.name, reason, extra={"event": "task_stopped", "task": self.partition})

    async def _attempt(self) -> None:
        """Run one incarnation of the task, from the confirmed membership to its failure."""
        try:
            await self._until_owned()
            self.supervision.unreadable.clear()
            for beside in self._following:
                beside.cancel()
            self._queue.renew()
            await self._open()
            self.ready.set()
            await self._flow.start(self.partition, self._offsets())
            await self._serve()
        except (FatalTaskError, UnreadableLog, AssertionError):
            raise
        except Exception as error:
            if not isinstance(error, EXPECTED):
                log.exception("%s met an error that it does not know", self.name)
            await self._failed(error)
        finally:
            await self._release(abort=True)

    async def _until_owned(self) -> None:
        """Wait until the group confirms that the partition is ours, now."""
        while not await self._flow.owned():  # noqa: ASYNC110 (the group answers, nothing here can be awaited)
            await asyncio.sleep(RETRY_S)

    async def _failed(self, error: Exception) -> None:
        """Close the resources, and pause before the next attempt."""
        self._flow.stop(self.partition)
        was_open = self.ready.is_set()
        await self._release(abort=False)
        if isinstance(error, StateStoreError):
            wipe(self.disk)
        if was_open and not isinstance(error, TransactionRejected):
            self._tell_waiters()
        pause_s, why = self.supervision.pauses.next_s(error, was_open=was_open), explained(error)
        log.warning("%s is taken over again in place, in %.1f s: %s", self.name, pause_s, why, extra={"event": "task_failed", "task": self.partition})
        await asyncio.sleep(pause_s)

    def _asked_once(self) -> None:
        """Forget what the operator requested at the start of the worker: it is done."""
        self._accept_loss = self._fold_again = False
        self._side.opened.add(self.name)

    def _release_with(self, unit: UnitOfWork, handlers: Iterable[RecordHandler], intake: RecordGuard, commit: Commit) -> None:
        """Allow parked records to be released from now on."""
        self._releases.open(ParkedReleaser(unit, intake, handlers, self._side.settings.topic("parked"), commit))
        self._side.measures.parked[self.name] = intake.open

    async def _serve(self) -> None:
        while True:
            while self._has_work():
                async with self._idle:
                    await self._step()
            await self._queue.filled()

    def _has_work(self) -> bool:
        """Return True while the task has work."""
        return bool(self._queue or self._releases or self._idle_at or self._fault)

    async def _step(self) -> None:
        """Run at most one transaction of each kind, so that none delays the others."""
        if self._fault is not None:
            raise self._fault
        if self._releases:
            await self._releases.step()
        if self._queue:
            await self._take_in(self._queue)
            self._queue.finish()
        if self._idle_at:
            offsets, self._idle_at = self._idle_at, {}
            await self._pass_over(offsets)

    def _offsets(self) -> dict[str, int]:
        return {topic: position.offset_next for topic, position in self.positions.items()}

    async def _release(self, *, abort: bool) -> None:
        self.ready.clear()
        self._queue.renew()
        self._releases.close()
        self._idle_at, self._fault = {}, None
        self._side.measures.parked.pop(self.name, None)
        await self._let_go(abort=abort)
