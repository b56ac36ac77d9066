"""Faust's transport for batches: one Faust message per fetched batch, so that Faust's cost is paid per batch and not per record."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, AppT
from faust.types.tuples import ConsumerMessage

from app.diagnosis.kafka_errors import explained, topics_of
from app.settings import Settings
from app.streams.aiokafka_patches.sender import check_installed
from app.streams.errors import UnreadableBatch
from app.streams.processing.record_queue import FetchMark, RecordBatch
from app.streams.runtime.consumer_thread import ConsumerThread

log = logging.getLogger(__name__)

FETCH_S = 0.2
"""Longest wait of one fetch. A task that opens waits for the fetch in progress (seconds)."""

IDLE_S = 0.05

RETRY_S = 0.5
"""Pause after an error that concerns no single partition (seconds)."""


class FetchingTasks(Protocol):
    """Tasks of this worker, as its consumer uses them."""

    @property
    def inputs(self) -> Collection[str]:
        """Topics that the tasks read, by their names on the broker."""

    def opening(self, tp: TP) -> int | None:
        """Return the incarnation number of the task that reads this partition of a topic; None if that task is not ready for records."""

    def cannot_read(self, error: UnreadableBatch) -> None:
        """Report that a topic cannot be read further, once all records before that point were taken."""

    def retake(self, partitions: Iterable[TP]) -> None:
        """Restart the tasks that read these partitions."""

    def fail(self, topics: Collection[str], error: Exception) -> None:
        """Restart the tasks that read these topics, after a pause."""


class Consumer(driver.Consumer):
    """Consumer that yields batches. A batch that still waits for its agent is extended; a full one stops the fetching of its partition."""

    transport: "Transport"
    logger = logging.getLogger("faust.transport")
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (Faust's own signature)
        check_installed()
        super().__init__(*args, **kwargs)
        self._worker_tasks = self.transport.tasks
        self._waiting: WeakValueDictionary[TP, RecordBatch] = WeakValueDictionary()
        """Last fetched batch of each partition, while it waits or is processed."""
        self._fetched: dict[TP, FetchMark] = {}
        """Mark of the last fetched batch of each partition, kept after the batch is gone."""
        self.fetches = 0
        """Number of fetches. If it does not grow while the flow is active, fetching is stuck."""
        self._fetching = asyncio.Lock()
        """Lock held during a fetch and during a seek. Records fetched before a seek would move the position that was just set."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, self.transport.settings, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 (Faust's own signature)
        """Yield one message per new batch; its `value` is the RecordBatch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # Faust passes its asyncio.Event so, too
        async with self._fetching:
            openings = self._wanted()
            records = await self._fetch(set(openings), min(timeout, FETCH_S))
            self.fetches += 1
            batches = [self._collect(tp, fetched, openings[tp]) for tp, fetched in records.items() if self._current(tp, openings)]
        for batch in filter(None, batches):
            tp = TP(batch.topic, batch.partition)
            self._read_offset[tp] = None  # otherwise Faust drops records below the position that it remembers
            yield tp, self._message(tp, batch)

    def _wanted(self) -> dict[TP, int]:
        """Return the incarnation number of the task for each partition that may be fetched."""
        openings = {tp: self._worker_tasks.opening(tp) for tp in self._get_active_partitions() if not self._full(tp)}
        return {tp: opening for tp, opening in openings.items() if opening is not None}

    def _current(self, tp: TP, openings: Mapping[TP, int]) -> bool:
        """Return True if the task still has the incarnation under which its records were fetched."""
        return self.flow_active and tp in openings and self._worker_tasks.opening(tp) == openings[tp]

    async def _fetch(self, active: set[TP], timeout_s: float) -> Mapping[TP, list[ConsumerRecord]]:
        if not active or self.should_stop:
            await asyncio.sleep(IDLE_S)
            return {}
        try:
            return await self._getmany(active_partitions=active, timeout=timeout_s)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            log.warning("a position is outside of its topic: %r", error)
            self._worker_tasks.retake(_named(error))
        except TopicAuthorizationFailedError as error:
            self._worker_tasks.fail(topics_of(error), error)
        except UnreadableBatch as error:
            self._stop_reading(error)
            await asyncio.sleep(IDLE_S)
        except KafkaError as error:
            log.warning("nothing can be fetched at the moment: %s", explained(error))
            await asyncio.sleep(RETRY_S)
        return {}

    def _stop_reading(self, error: UnreadableBatch) -> None:
        """Stop fetching a partition, once the records before the fault were taken."""
        tp = TP(*error.where)
        if self._idle(tp):
            self.pause_partitions({tp})
            self._worker_tasks.cannot_read(error)

    def _full(self, tp: TP) -> bool:
        waiting = self._waiting.get(tp)
        return waiting is not None and waiting.full and waiting.opening == self._worker_tasks.opening(tp)

    def _collect(self, tp: TP, records: list[ConsumerRecord], opening: int) -> RecordBatch | None:
        waiting = self._waiting.get(tp)
        if waiting is not None and waiting.extend(records, opening):
            return None
        batch = self._waiting[tp] = RecordBatch(tp.topic, tp.partition, opening, list(records))
        self._fetched[tp] = batch.fetched
        return batch

    def _message(self, tp: TP, batch: RecordBatch) -> ConsumerMessage:
        last, generation, value = batch.records[-1], self.app.consumer_generation_id, cast("bytes", batch)
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, [], None, value, None, 0, 0, tp, generation_id=generation
        )

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to the topics of all versions of a worker. Faust passes only topics that have an agent."""
        await super().subscribe({*topics, *self._worker_tasks.inputs})

    async def idle_positions(self, wanted: Collection[TP] | None = None) -> dict[TP, int]:
        """Return the next fetch offset of each partition (or of the wanted ones) of which no record waits for its agent.

        Empty while the flow is paused, and without partitions that Faust has paused (all, when the worker stops): their last records may have been dropped.
        """
        async with self._fetching:
            if not self.flow_active:
                return {}
            return await self._thread.positions([tp for tp in self._get_active_partitions() if self._idle(tp) and (wanted is None or tp in wanted)])

    def _idle(self, tp: TP) -> bool:
        """Return True if every record fetched since the seek of the current incarnation was taken."""
        last = self._fetched.get(tp)
        return last is not None and last.taken and last.opening == self._worker_tasks.opening(tp)

    async def start_at(self, offsets: Mapping[TP, int]) -> None:
        """Fetch these partitions, starting at these offsets."""
        async with self._fetching:
            await self._thread.seek_all(offsets)
            for tp in offsets:
                self._waiting.pop(tp, None)
                self._fetched.pop(tp, None)
                if (opening := self._worker_tasks.opening(tp)) is not None:
                    self._fetched[tp] = FetchMark(opening, taken=True)
            self.resume_partitions(set(offsets))

    async def look_for(self, topics: Collection[str]) -> None:
        """Refresh the metadata at once if the consumer does not know one of these existing topics. Otherwise it would notice them within minutes."""
        await self._thread.look_for(topics)

    @property
    def refusal(self) -> str:
        """Reason why the group rejects this worker; empty if it does not, or nothing is known."""
        return self._thread.refusal

    @property
    def beats(self) -> int:
        """Heartbeats of the consumer's thread."""
        return self._thread.beats

    def certain(self, generation: int) -> bool:
        """Return True while this worker holds a valid lease on its assignment of this generation."""
        return self._thread.membership is not None and self._thread.membership.certain(generation)

    async def owned(self, generation: int) -> bool:
        """Return True once the group has confirmed this worker's membership in this generation."""
        return await self._thread.owned(generation)

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the consumer group; return False if the group did not take them."""
        return await self._thread.give(offsets)


def _named(error: KafkaError) -> set[TP]:
    """Return the partitions of a fetch error. aiokafka raises it with a TopicPartition, or with a mapping of them."""
    [about] = error.args
    return {TP(*about)} if isinstance(about, TopicPartition) else {TP(*where) for where in about}


class Transport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = Consumer

    def __init__(self, app: AppT, tasks: FetchingTasks, settings: Settings) -> None:
        super().__init__(app.conf.broker, app)
        self.tasks = tasks
        self.settings = settings
