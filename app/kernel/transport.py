"""Faust's transport, made batch-native: one Faust message per fetched batch, so that its cost is paid per batch, not per record."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, cast

from aiokafka import AIOKafkaConsumer, ConsumerRecord, OffsetAndMetadata, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from faust.types.tuples import ConsumerMessage

from app.kernel.batch import Batch
from app.kernel.membership import Membership

log = logging.getLogger(__name__)

FETCH_WAIT_MS = 100
"""How long the broker waits for records of an idle partition (Faust's own is 1.5 s)."""

FETCH_S = 0.2
"""How long one fetch waits at most: a task that opens waits for the fetch under way (seconds)."""

NEVER_MS = 2**31 - 1
"""Faust pauses whatever is not to be fetched, so that nothing is polled may be right: heartbeats alone say that a worker lives."""

GIVE_S = 1.0
"""How long is waited for the group to take offsets; it does not while its broker is away (seconds)."""

STOP_S = 1.5
"""How long a consumer may take to leave its group (seconds)."""

IDLE_S = 0.05


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """Runs the consumer: committed records only, ranges of partitions so that one number's topics stay together."""

    app: Any
    membership: Membership | None = None
    logger = logging.getLogger("faust.transport")

    async def on_start(self) -> None:
        """Start the consumer, and listen to what its group says."""
        await super().on_start()
        self.membership = Membership(self._ensure_consumer()._coordinator, self.app.side.settings)  # noqa: SLF001 (aiokafka shows no coordinator)

    async def on_thread_stop(self) -> None:
        """Stop the consumer; the thread ends whatever comes of that: aiokafka lets the cancellation of its own fetch through."""
        try:
            async with asyncio.timeout(STOP_S):
                await super().on_thread_stop()
        except (asyncio.CancelledError, KafkaError, TimeoutError) as error:
            log.info("the consumer did not stop cleanly, its session will run out: %r", error)

    def _create_worker_consumer(self, transport: driver.Transport) -> AIOKafkaConsumer:  # noqa: ARG002 (Faust's own signature)
        settings, conf = self.app.side.settings, self.app.conf
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=settings.worker_id,
            bootstrap_servers=settings.bootstrap,
            partition_assignment_strategy=[RangePartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_poll_records=None,
            max_partition_fetch_bytes=1 << 20,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            max_poll_interval_ms=NEVER_MS,
            isolation_level="read_committed",
        )

    async def owned(self, generation: int) -> bool:
        """Ask the group now whether this worker still is a member, in this generation."""
        return self.membership is not None and bool(await self.call_thread(self.membership.confirm, generation))

    async def positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        """From where is fetched next."""
        found: dict[TP, int] = await self.call_thread(self._positions, partitions)
        return found

    async def _positions(self, partitions: Iterable[TP]) -> dict[TP, int]:
        assigned = self.assignment()
        return {tp: await self._ensure_consumer().position(TopicPartition(*tp)) for tp in partitions if tp in assigned}

    async def seek_all(self, offsets: Mapping[TP, int]) -> None:
        """Move the positions from which is fetched, in the thread that fetches; what has gone to another worker meanwhile is left out."""
        await self.call_thread(self._seek_all, offsets)

    async def _seek_all(self, offsets: Mapping[TP, int]) -> None:
        assigned = self.assignment()
        for tp in assigned & offsets.keys():
            self.seek(tp, offsets[tp])

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the group, for people and lag tools; the truth is in the changelog, so a failure is only noted."""
        return bool(await self.call_thread(self._give, offsets))

    async def _give(self, offsets: Mapping[TP, int]) -> bool:
        assigned = self.assignment()
        wanted = {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned}
        if not wanted:
            return False
        try:
            async with asyncio.timeout(GIVE_S):
                await self._ensure_consumer().commit(wanted)
        except (KafkaError, TimeoutError) as error:
            log.info("the group's offsets were not committed: %s", type(error).__name__)
            return False
        return True


class Consumer(driver.Consumer):
    """Yields batches; a batch that still waits for its agent is extended, one that is full stops the fetching of its partition."""

    app: Any
    logger = logging.getLogger("faust.transport")
    _thread: ConsumerThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (Faust's own signature)
        super().__init__(*args, **kwargs)
        self._waiting: dict[TP, Batch] = {}
        self._fetching = asyncio.Lock()
        """Held over a fetch and over a seek: records fetched before a seek would move the position that was just set."""

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, ConsumerMessage]]:  # noqa: ASYNC109 (Faust's own signature)
        """One message per new batch: `value` is the Batch."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # Faust passes its asyncio.Event so, too
        async with self._fetching:
            openings = self.app.tables.openings()
            records = await self._fetch(min(timeout, FETCH_S))
            batches = [self._collect(tp, fetched, openings[tp.partition]) for tp, fetched in records.items() if self._current(tp, openings)]
        for batch in filter(None, batches):
            tp = TP(batch.topic, batch.partition)
            self._read_offset[tp] = None  # Faust would drop what is below its own idea of the position
            yield tp, self._message(tp, batch)

    def _current(self, tp: TP, openings: Mapping[int, int]) -> bool:
        """True if the task still has the opening under which its records were fetched."""
        return self.flow_active and tp.partition in openings and self.app.tables.openings().get(tp.partition) == openings[tp.partition]

    async def _fetch(self, timeout_s: float) -> Mapping[TP, list[ConsumerRecord]]:
        active = {tp for tp in self._get_active_partitions() if tp.topic in self.app.side.inputs and not self._full(tp)}
        if not active or self.should_stop:
            await asyncio.sleep(IDLE_S)
            return {}
        try:
            return await self._getmany(active_partitions=active, timeout=timeout_s)
        except (OffsetOutOfRangeError, NoOffsetForPartitionError) as error:
            log.warning("a position is outside of its topic: %r", error)
            self.app.tables.retake(_named(error))
            return {}

    def _full(self, tp: TP) -> bool:
        waiting = self._waiting.get(tp)
        return waiting is not None and waiting.full and waiting.opening == self.app.tables.openings().get(tp.partition)

    def _collect(self, tp: TP, records: list[ConsumerRecord], opening: int) -> Batch | None:
        waiting = self._waiting.get(tp)
        if waiting is not None and waiting.extend(records, opening):
            return None
        batch = self._waiting[tp] = Batch(tp.topic, tp.partition, opening, list(records))
        return batch

    def _message(self, tp: TP, batch: Batch) -> ConsumerMessage:
        last, generation, value = batch.records[-1], self.app.consumer_generation_id, cast("bytes", batch)
        return ConsumerMessage(
            tp.topic, tp.partition, last.offset, last.timestamp / 1000, last.timestamp_type, [], None, value, None, 0, 0, tp, generation_id=generation
        )

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Subscribe to what all versions of a worker subscribe to; Faust asks only for what has an agent."""
        await super().subscribe({*topics, *self.app.side.subscribed})

    async def idle_positions(self) -> dict[TP, int]:
        """From where is fetched next, of the partitions of which no record waits for its agent."""
        async with self._fetching:
            return await self._thread.positions([tp for tp in self._get_active_partitions() if self._idle(tp)])

    def _idle(self, tp: TP) -> bool:
        """True if all that was fetched was taken, under the opening that holds: before its seek a new one knows no better."""
        last = self._waiting.get(tp)
        return last is None or (last.taken and last.opening == self.app.tables.openings().get(tp.partition))

    async def start_at(self, offsets: Mapping[TP, int]) -> None:
        """Fetch these partitions from these offsets on."""
        async with self._fetching:
            await self._thread.seek_all(offsets)
            self.resume_partitions(set(offsets))

    def certain(self, generation: int) -> bool:
        """True while nobody else can own what was assigned in this generation."""
        return self._thread.membership is not None and self._thread.membership.certain(generation)

    async def owned(self, generation: int) -> bool:
        """True once the group confirmed this worker's membership in this generation."""
        return await self._thread.owned(generation)

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the consumer group."""
        return await self._thread.give(offsets)


def _named(error: KafkaError) -> set[int]:
    """The partition numbers that an error of a fetch is about; aiokafka gives it a TopicPartition, or a mapping of them."""
    [about] = error.args
    return {about.partition} if isinstance(about, TopicPartition) else {where.partition for where in about}


class Transport(driver.Transport):
    """Faust's aiokafka transport with the consumer above."""

    Consumer = Consumer
