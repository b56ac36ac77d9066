"""A task: one partition number, of the write side or of the read side, that opens, serves until something fails, and opens again.

Whatever goes wrong once it is open ends in the same way: the task is taken over again in place, and the log tells what happened.
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
from app.streams.parking.release import Commit, ParkedReleaser, ReleaseRequest, ReleaseRequests
from app.streams.processing.handlers import FetchControl, RecordHandler
from app.streams.processing.record_queue import BatchQueue, RecordBatch
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.positions import InputPosition
from app.streams.state.store import StateStore, wipe
from app.streams.tasks.backoff import Pauses
from app.streams.topology import WriteTopology

log = logging.getLogger(__name__)

RETRY_S = 0.5
SETTLE_S = 3.0
"""How long a task that closes may go on with its open transaction; what is not done by then is aborted (seconds)."""

EXPECTED = (FoldstreamError, KafkaError, OSError, StateStoreError, TransactionRejected, TimeoutError)
"""What a task may meet any time; any other error is logged with its traceback, and the task is taken over again all the same."""


class Task(ABC):
    """What opens and what it does with a batch are its kind's; `close` ends it."""

    kind: str
    """What its partition number is one of, as people read it."""

    def __init__(self, side: WriteTopology, partition: int, flow: FetchControl) -> None:
        self.partition = partition
        self.group_offsets: dict[str, int] = {}
        self.ready = asyncio.Event()
        self.closed_for = ""
        """Why it stays closed until the assignment changes or a person acts; empty while it does not."""
        self._fault: Exception | None = None
        self._pauses = Pauses()
        self.not_given: dict[str, str] = {}
        """What the broker has for it and does not give, by topic."""
        self._unreadable: dict[str, str] = {}
        """What stopped the reading of a topic, while the others go on."""
        self._skips = NONE
        self._skips_known = 0
        self._following = set[asyncio.Task[None]]()
        """What goes on beside the task because of something that cannot be read."""
        self._side = side
        self._flow = flow
        self._accept_loss = side.accept_loss and self.name not in side.opened
        self._fold_again = side.fold_again and self.name not in side.opened
        self._queue = BatchQueue()
        self._idle = asyncio.Lock()
        self._settled = False
        self._still = False
        self._requests = ReleaseRequests()
        self._idle_at: Mapping[str, int] = {}
        self._releases: ParkedReleaser | None = None
        self._live = asyncio.create_task(self._run(), name=self.name)
        self._earlier: list[asyncio.Task[None]] = []

    @property
    @abstractmethod
    def disk(self) -> Path:
        """Where its rows are."""

    @property
    @abstractmethod
    def positions(self) -> Mapping[str, InputPosition]:
        """Where the open task is in its inputs, by topic; nothing while it is not open."""

    @property
    @abstractmethod
    def store(self) -> StateStore:
        """The committed rows of the open task."""

    @property
    @abstractmethod
    def known(self) -> Known | None:
        """What the open task knows of its log; None while it is not open."""

    @abstractmethod
    async def disclaim(self) -> None:
        """Say that nobody answers for the partition: before a clean stop, once it is settled."""

    @abstractmethod
    async def _open(self) -> None:
        """Find out where it was, and have its records fetched from there."""

    @abstractmethod
    async def _take_in(self, queue: BatchQueue) -> None:
        """One transaction of what waits."""

    @abstractmethod
    async def _pass_over(self, offsets: Mapping[str, int]) -> None:
        """Keep that everything below these offsets was read, by topic: between a position and its offset there is no record."""

    @abstractmethod
    async def _let_go(self, *, abort: bool) -> None:
        """Let go of what `_open` took; only a task that did not fail may `abort`: after an unknown outcome the next epoch finds out."""

    @abstractmethod
    def _tell_waiters(self) -> None:
        """The task failed: nobody knows what became of what they wait for."""

    @property
    def name(self) -> str:
        """As people read it."""
        return f"{self.kind} {self.partition}"

    @property
    def serving(self) -> bool:
        """True while its rows can be shown."""
        return self.ready.is_set()

    @property
    def stop_reason(self) -> str:
        """What it met that only a person can settle, so that it stays closed or reads a topic no more; empty when nothing."""
        return self.closed_for or "; ".join(self._unreadable.values())

    @property
    def stopped(self) -> bool:
        """True while it does not do all that it should, until a person acts."""
        return bool(self.stop_reason)

    @property
    def trouble(self) -> str:
        """Why it pauses before another attempt, or did so until a moment ago, or what it is not given; empty when it has all that it needs."""
        if self.ready.is_set() and self._pauses.over:
            return "; ".join(self.not_given.values())
        return self._pauses.reason

    @property
    def opening(self) -> int:
        """The number of this opening: records fetched under another are not processed."""
        return self._queue.opening

    @property
    def busy(self) -> bool:
        """True while batches wait, or it is not open."""
        return bool(self._queue) or not self.ready.is_set()

    def read_up_to(self, opening: int, fetched: Mapping[str, int]) -> dict[str, int]:
        """Up to where each topic of the open task was read: its position or, once nothing waits, what is beyond it and no record (commit markers, gaps).

        `fetched` says from where is fetched next of the topics of which no record waits for its agent; it was asked for under this `opening`.
        """
        offsets = self._offsets()
        if self.busy or opening != self.opening:
            return offsets
        return {topic: max(offset, fetched.get(topic, 0)) for topic, offset in offsets.items()}

    def keep_position(self, offsets: Mapping[str, int]) -> None:
        """Keep that the topics were read up to these offsets; they are what `read_up_to` said."""
        self._idle_at = {topic: offset for topic, offset in offsets.items() if offset > self.positions[topic].offset_next}
        if self._idle_at:
            self._queue.wake()

    async def process(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Hand over a batch; returns when it is committed, or dropped because the task was taken over again and will read it anew."""
        await self._queue.put(batch, handler)

    async def release(self, request: ReleaseRequest) -> Park | None:
        """Retry or discard a parked record: None once that is committed, or why it still is parked. NotParked, NotHead, Interrupted."""
        self._requests.add(request)
        self._queue.wake()
        return await request.done

    async def rewind(self) -> None:
        """After a rebalance that left the partition here: what was fetched is gone, fetch it again from the position."""
        async with self._idle:
            if self.ready.is_set():
                self._unreadable.clear()
                self._queue.renew()
                self._idle_at = {}
                await self._flow.start(self.partition, self._offsets())

    def fail(self, error: Exception) -> None:
        """Take the task over again, after a pause: its records cannot be fetched."""
        self._fault = error
        self._queue.wake()

    def cannot_read(self, error: UnreadableBatch) -> None:
        """Go on behind what an operator skipped, or read no more of this topic: all that lies before it was handed over, and the other topics go on."""
        topic = error.where.topic
        behind = self._skips.behind(topic, error.first)
        if behind > error.first:
            log.warning("%s passes over %s [%d] %d..%d: it was skipped", self.name, topic, self.partition, error.first, behind - 1)
            self._follow(self._flow.start(self.partition, {topic: behind}))
            return
        self._unreadable[topic] = str(error)
        log.critical("%s reads no more of %s: %s", self.name, topic, error, extra={"event": "topic_stopped", "task": self.partition})
        self._queue.wake()
        self._follow(self._retake_when_skipped())

    def retake(self) -> None:
        """Take the task over again: somebody else may have owned it in between."""
        self._flow.stop(self.partition)
        self._live.cancel()
        self._earlier = [life for life in (*self._earlier, self._live) if not life.done()]
        self._live = asyncio.create_task(self._again(self._earlier), name=self.name)

    async def settle(self) -> None:
        """Let the open transaction end, for a while, and begin no other: only `keep` and `close` may follow."""
        if not self._settled:
            self._settled = True
            with suppress(TimeoutError):
                async with asyncio.timeout(SETTLE_S):
                    await self._idle.acquire()
                    self._still = True

    async def keep(self, read_up_to: Mapping[str, int]) -> None:
        """Keep how far its topics were read, in a last transaction, once it is settled."""
        offsets = {topic: offset for topic, offset in read_up_to.items() if offset > self.positions[topic].offset_next}
        if offsets and self._still and self.ready.is_set():
            with suppress(TimeoutError, KafkaError, StateStoreError):
                async with asyncio.timeout(SETTLE_S):
                    await self._pass_over(offsets)

    async def close(self) -> None:
        """End the task between two transactions; one that takes too long is aborted."""
        await self.settle()
        self._live.cancel()
        for beside in self._following:
            beside.cancel()
        await all_ended((*self._earlier, self._live))
        self._queue.renew()
        self._requests.interrupt()

    async def _again(self, earlier: Iterable["asyncio.Task[None]"]) -> None:
        """All of them, not only the last: that may have been cancelled before it began to wait for those before it."""
        await all_ended(earlier)
        await self._run()

    async def _run(self) -> None:
        self.closed_for = ""
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
        """What operators skipped of the partition, for this opening."""
        self._skips = await self._side.skips.read(consumer, self.partition)
        self._skips_known = self._side.skips.count(self.partition)
        return self._skips

    def _follow(self, beside: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(beside, name=f"{self.name}, beside it")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _retake_when_skipped(self) -> None:
        """An operator may skip what stopped it: then it is tried again."""
        await self._side.skips.wait(self.partition, self._skips_known)
        log.info("%s is tried again: something was skipped", self.name)
        self.retake()

    def _stay_closed(self, reason: str) -> None:
        """Stop this partition alone: trying again would not help, and the other tasks of the worker go on."""
        self.closed_for = reason
        self._flow.stop(self.partition)
        self._follow(self._retake_when_skipped())
        self._tell_waiters()
        log.critical("%s stays closed: %s", self.name, reason, extra={"event": "task_stopped", "task": self.partition})

    async def _attempt(self) -> None:
        """One life of the task, from the group's word that it is ours to its failure."""
        try:
            await self._until_owned()
            self._unreadable.clear()
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
        """Wait for the group's word that the partition is ours, now."""
        while not await self._flow.owned():  # noqa: ASYNC110 (the group answers, nothing here can be awaited)
            await asyncio.sleep(RETRY_S)

    async def _failed(self, error: Exception) -> None:
        """Close what is open, and wait before the next attempt."""
        self._flow.stop(self.partition)
        was_open = self.ready.is_set()
        await self._release(abort=False)
        if isinstance(error, StateStoreError):
            wipe(self.disk)
        if was_open and not isinstance(error, TransactionRejected):
            self._tell_waiters()
        pause_s, why = self._pauses.next_s(error, was_open=was_open), explained(error)
        log.warning("%s is taken over again in place, in %.1f s: %s", self.name, pause_s, why, extra={"event": "task_failed", "task": self.partition})
        await asyncio.sleep(pause_s)

    def _asked_once(self) -> None:
        """Forget what a person asked for when the worker was started: it is done."""
        self._accept_loss = self._fold_again = False
        self._side.opened.add(self.name)

    def _release_with(self, unit: UnitOfWork, handlers: Iterable[RecordHandler], intake: RecordGuard, commit: Commit) -> None:
        """From here on parked records may be released."""
        self._releases = ParkedReleaser(unit, intake, handlers, self._side.settings.topic("parked"), commit)
        self._side.measures.parked[self.name] = intake.open

    async def _serve(self) -> None:
        assert self._releases is not None
        while True:
            while self._has_work():
                async with self._idle:
                    await self._step(self._releases)
            await self._queue.filled()

    def _has_work(self) -> bool:
        """True while there is something to do at once."""
        return bool(self._queue or self._requests or self._releases or self._idle_at or self._fault)

    async def _step(self, releases: ParkedReleaser) -> None:
        """At most one transaction of each kind: neither holds up the other."""
        if self._fault is not None:
            raise self._fault
        if self._requests:
            await releases.answer(self._requests.take())
        elif releases:
            await releases.follow()
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
        self._releases = None
        self._idle_at, self._fault = {}, None
        self._side.measures.parked.pop(self.name, None)
        await self._let_go(abort=abort)
