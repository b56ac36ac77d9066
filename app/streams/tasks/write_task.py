"""A write task: owns the rows of its partition number and runs one Kafka transaction at a time."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from app.streams.errors import TransactionRejected
from app.streams.kafka.reader import reading
from app.streams.kafka.shutdown import stop
from app.streams.kafka.transactions import producer
from app.streams.logs.known import Known
from app.streams.logs.predecessor import Predecessor
from app.streams.parking.guard import RecordGuard
from app.streams.processing.handlers import FetchControl
from app.streams.processing.record_queue import BatchQueue
from app.streams.recovery.takeover import TakeOver
from app.streams.state.positions import InputPosition
from app.streams.state.store import StateStore
from app.streams.tasks.ownership import claim
from app.streams.tasks.task import Task
from app.streams.tasks.write_processor import WriteProcessor
from app.streams.timers.backoff import TimerBackoff
from app.streams.timers.dispatcher import TimerDispatcher
from app.streams.timers.ticks import Ticks
from app.streams.timers.unread_commands import Unread
from app.streams.topology import WriteTopology

log = logging.getLogger(__name__)

DISCLAIM_S = 0.5


class WriteTask(Task):
    """Write task. It is open once it has fenced the former owner, restored what that committed, and claimed the partition in `owners`."""

    kind = "task"

    def __init__(self, side: WriteTopology, partition: int, flow: FetchControl) -> None:
        super().__init__(side, partition, flow)
        self._processor: WriteProcessor | None = None
        self._producer: AIOKafkaProducer | None = None
        self._intake = RecordGuard(side.settings, partition, side.inboxes)
        self._setbacks = TimerBackoff()
        self._alarms: TimerDispatcher | None = None
        self._transactional_id = f"{side.settings.app_id}-{partition}"
        self._predecessor = Predecessor(self._transactional_id)

    @property
    def disk(self) -> Path:
        """Path of its rows on disk."""
        return self._side.store_path(self.partition)

    @property
    def positions(self) -> Mapping[str, InputPosition]:
        """Positions of the open task in its inputs, by topic."""
        return self._processor.positions if self._processor else {}

    @property
    def store(self) -> StateStore:
        """Committed rows of the open task."""
        assert self._processor is not None, "the task is open"
        return self._processor.unit.rows.store

    @property
    def known(self) -> Known | None:
        """State of its logs as the open task knows it."""
        return self._processor.unit.known if self._processor and self.ready.is_set() else None

    async def disclaim(self) -> None:
        """Release ownership of the partition in `owners`."""
        self.ready.clear()
        if self._producer is not None and self._side.owner is not None:
            with suppress(KafkaError, TransactionRejected, TimeoutError):
                async with asyncio.timeout(DISCLAIM_S):
                    await claim(self._producer, self._side.settings, self.partition, None)

    async def _open(self) -> None:
        settings = self._side.settings
        async with reading(settings.bootstrap) as consumer:
            await self._predecessor.ask(consumer._client)  # noqa: SLF001 (aiokafka has no public way to send a request)
            self._producer = producer(settings.bootstrap, self._transactional_id)
            await self._producer.start()
            await self._until_owned()  # during a pause before the fencing another worker may have opened the task: its reads would miss what is committed here
            fenced_s = asyncio.get_running_loop().time()
            await self._take_over(self._producer, consumer)
        if self._side.owner is not None:
            await claim(self._producer, settings, self.partition, self._side.owner)
        self._side.measures.recovery_s.add(asyncio.get_running_loop().time() - fenced_s)
        log.info("%s is open", self.name)

    async def _take_over(self, fenced: AIOKafkaProducer, consumer: AIOKafkaConsumer) -> None:
        stands_on = [TopicPartition(topic, self.partition) for topic in (self._side.settings.changelog, *self._side.logs)]
        await self._predecessor.finish(consumer, fenced, stands_on)
        self._intake.skips = await self._read_skips(consumer)
        asked = {"accept_loss": self._accept_loss, "fold_again": self._fold_again}
        unit, positions = await TakeOver(self._side, self.partition, fenced, consumer, self._skips, **asked).run()
        self._asked_once()
        self._intake.generations = {topic: position.generation for topic, position in positions.items()}
        self._processor = WriteProcessor(unit, self._intake, positions, self.group_offsets, self._side.measures)
        inboxes = [TopicPartition(topic, self.partition) for topic in self._side.inboxes]
        ticks = Ticks(fenced, inboxes, self._processor.positions, self._side.measures)
        unread = Unread(fenced.client, self._side.settings, self._commands())
        self._alarms = TimerDispatcher(unit, self._side.sleepers, self._setbacks, self._processor.commit_woken, self._queue.wake, ticks, unread)
        self._release_with(unit, self._side.handlers.values(), self._intake, self._processor.commit)

    def _commands(self) -> list[TopicPartition]:
        """Return all partitions that can hold the commands of a timer handler."""
        return [TopicPartition(topic, number) for topic in self._side.inputs for number in range(self._side.settings.partitions)]

    async def _take_in(self, queue: BatchQueue) -> None:
        assert self._processor is not None
        await self._processor.transact(queue)

    async def _pass_over(self, offsets: Mapping[str, int]) -> None:
        assert self._processor is not None
        await self._processor.pass_over(offsets)

    def _has_work(self) -> bool:
        assert self._alarms is not None
        return super()._has_work() or self._alarms.due()

    async def _step(self) -> None:
        """Run a step of the base class, then fire due timers in one transaction."""
        assert self._alarms is not None
        await super()._step()
        await self._alarms.ring()

    def _tell_waiters(self) -> None:
        self._side.waiters.lose(self.partition)

    async def _let_go(self, *, abort: bool) -> None:
        alarms, self._alarms = self._alarms, None
        if alarms is not None:
            alarms.close()
        processor, self._processor = self._processor, None
        if processor is not None:
            processor.unit.close()
        started, self._producer = self._producer, None
        if started is not None:
            await stop(started, abort=abort)
