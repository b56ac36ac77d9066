"""Faust's transport, made batch-native: one Faust message per fetched batch, so that its cost is paid per batch, not per record."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Any, cast
from weakref import WeakValueDictionary

from aiokafka import ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError, TopicAuthorizationFailedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from app.diagnosis.kafka_errors import explained, topics_of
from app.streams.errors import UnreadableBatch
from app.streams.processing.record_queue import FetchMark, RecordBatch
from app.streams.runtime.consumer_thread import ConsumerThread

log = logging.getLogger(__name__)

FETCH_S = 0.2
"""How long one fetch waits at most: a task that opens waits for the fetch under way (seconds)."""

IDLE_S = 0.05

RETRY_S = 0.5
"""After an error that is about no partition (seconds)."""


class Consumer(driver.Consumer):
    """Yields batches; a batch that still waits for its agent is extended, one that is full stops the fetching of its partition."""

    app: Any
    logger = logging.getLogger("faust.transport")
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (Faust's own signature)
        super().__init__(*args, **kwargs)
        self._waiting: WeakValueDictionary[TP, RecordBatch] = WeakValueDictionary()
        """The batches fetched last that still are on their way, or in work."""
        self._fetched: dict[TP, FetchMark] = {}
        """The same, also of those that are gone."""
        self.fetches = 0
        """How often was fetched: what does not grow while the flow is active is stuck."""
        self._fetching = asyncio.Lock()
        """Held over a fetch and over a seek: records fetched before a seek would move the position that was just set."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 (Faust's own signature)
        """One message per new batch: `value` is the Batch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # Faust passes its asyncio.Event so, too
        async with self._fetching:
            openings = self._wanted()
            records = await self._fetch(set(openings), min(timeout, FETCH_S))
            self.fetches += 1
            batches = [self._collect(tp, fetched, openings[tp]) for tp, fetched in records.items() if self._current(tp, openings)]
        for batch in filter(None, batches):
            tp = TP(batch.topic, batch.partition)
            self._read_offset[tp] = None  # Faust would drop what is below its own idea of the position
            yield tp, self._message(tp, batch)

    def _wanted(self) -> dict[TP, int]:
        """The opening numbers of the tasks, for each partition of theirs that may be fetched from."""
        openings = {tp: self.app.tables.opening(tp) for tp in self._get_active_partitions() if not self._full(tp)}
        return {tp: opening for tp, opening in openings.items() if opening is not None}

    def _current(self, tp: TP, openings: Mapping[TP, int]) -> bool:
        """True if the task still has the opening under which its records were fetched."""
        return self.flow_active and tp in openings and self.app.tables.opening(tp) == openings[tp]

    async def _fetch(self, active: set[TP], timeout_s: float) -> Mapping[TP, list[ConsumerRecord]]:
        if not active or self.should_stop:
            await asyncio.sleep(IDLE_S)
            return {}
        try:
            return await self._getmany(active_partitions=active, timeout=timeout_s)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            log.warning("a position is outside of its topic: %r", error)
            self.app.tables.retake(_named(error))
        except TopicAuthorizationFailedError as error:
            self.app.tables.fail(topics_of(error), error)
        except UnreadableBatch as error:
            self._stop_reading(error)
            await asyncio.sleep(IDLE_S)
        except KafkaError as error:
            log.warning("nothing can be fetched at the moment: %s", explained(error))
            await asyncio.sleep(RETRY_S)
        return {}

    def _stop_reading(self, error: UnreadableBatch) -> None:
        """Fetch nothing more of a partition, once what lies before the fault was taken."""
        tp = TP(*error.where)
        if self._idle(tp):
            self.pause_partitions({tp})
            self.app.tables.cannot_read(error)

    def _full(self, tp: TP) -> bool:
        waiting = self._waiting.get(tp)
        return waiting is not None and waiting.full and waiting.opening == self.app.tables.opening(tp)

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
        """Subscribe to what all versions of a worker subscribe to; Faust asks only for what has an agent."""
        await super().subscribe({*topics, *self.app.side.subscribed, *self.app.view.subscribed})

    async def idle_positions(self, wanted: Collection[TP] | None = None) -> dict[TP, int]:
        """The next offset to fetch of each partition (or of those that are wanted) of which no record waits for its agent.

        None while the flow rests, nor of those that Faust has paused, as all are when the worker is to end: what was fetched last may have been dropped.
        """
        async with self._fetching:
            if not self.flow_active:
                return {}
            return await self._thread.positions([tp for tp in self._get_active_partitions() if self._idle(tp) and (wanted is None or tp in wanted)])

    def _idle(self, tp: TP) -> bool:
        """True if everything that was fetched since the seek of the present opening was taken."""
        last = self._fetched.get(tp)
        return last is not None and last.taken and last.opening == self.app.tables.opening(tp)

    async def start_at(self, offsets: Mapping[TP, int]) -> None:
        """Fetch these partitions from these offsets on."""
        async with self._fetching:
            await self._thread.seek_all(offsets)
            for tp in offsets:
                self._waiting.pop(tp, None)
                self._fetched.pop(tp, None)
                if (opening := self.app.tables.opening(tp)) is not None:
                    self._fetched[tp] = FetchMark(opening, taken=True)
            self.resume_partitions(set(offsets))

    async def look_for(self, topics: Collection[str]) -> None:
        """Have the consumer ask the broker at once if it knows nothing of one of these topics, which are there: else it would within minutes."""
        await self._thread.look_for(topics)

    @property
    def refusal(self) -> str:
        """Why the group does not take this worker; empty when it does, or nothing is known."""
        return self._thread.refusal

    @property
    def beats(self) -> int:
        """How often the consumer's thread has said that it runs."""
        return self._thread.beats

    def certain(self, generation: int) -> bool:
        """True while nobody else can own what was assigned in this generation."""
        return self._thread.membership is not None and self._thread.membership.certain(generation)

    async def owned(self, generation: int) -> bool:
        """True once the group confirmed this worker's membership in this generation."""
        return await self._thread.owned(generation)

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the consumer group."""
        return await self._thread.give(offsets)


def _named(error: KafkaError) -> set[TP]:
    """The partitions that an error of a fetch is about; aiokafka gives it a TopicPartition, or a mapping of them."""
    [about] = error.args
    return {TP(*about)} if isinstance(about, TopicPartition) else {TP(*where) for where in about}


class Transport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = Consumer
