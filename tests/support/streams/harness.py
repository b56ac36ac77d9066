"""Write task without Faust around it: the test fetches its records and passes them on. Everything else is real."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete
from confluent_kafka.admin import AdminClient

from app.settings import Settings
from app.streams.kafka.reader import bounds, read, reader
from app.streams.parking.record import Park
from app.streams.parking.release import ReleaseRequest
from app.streams.processing.context import emit, topic_id
from app.streams.processing.handlers import TimerHandler
from app.streams.processing.record_queue import RecordBatch
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from app.streams.tasks.write_task import WriteTask
from app.streams.topology import WriteTopology
from tests.support.topics import configure
from tests.support.waiting import until


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


class Counting:
    """Smallest aggregate: a count per key. Its events carry the count as their version."""

    agent = "count"

    def __init__(self, settings: Settings, fingerprint: str) -> None:
        self.events = settings.topic("events.count")
        self.counts: Table[int] = Table(None, name="count", value_type=int)
        self.tables = [self.counts]
        self._results = settings.topic("results")
        self.fingerprint = fingerprint
        self.mended: set[bytes] = set()
        """Values that this code can process although they begin with b"raise"."""
        self.sleepers: dict[str, TimerHandler] = {}
        """Handlers of its timers."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Count a record.

        b"raise" fails after the changes, unless this code can process it; b"unwritable" leaves a row that cannot be encoded; b"big N" writes N bytes.
        """
        assert record.key is not None
        assert record.value is not None
        count = (self.counts.get(record.key.decode()) or 0) + 1
        self.counts[record.key.decode()] = count
        size = int(record.value[4:]) if record.value.startswith(b"big ") else 0
        emit(self.events, record.key, json.dumps({"version": count, "of": record.offset, "padding": "x" * size}).encode())
        where = [
            ("command-topic", record.topic),
            ("command-partition", str(record.partition)),
            ("command-offset", str(record.offset)),
            ("command-topic-id", topic_id(record)),
        ]
        emit(self._results, record.key, b"{}", [(name, value.encode()) for name, value in where])
        if record.value == b"unwritable":
            self.counts[record.key.decode()] = object()  # type: ignore[assignment]  # that is the point
        if record.value.startswith(b"raise") and record.value not in self.mended:
            raise ValueError("asked to")

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Notify no client: none waits."""

    def apply(self, event: ConsumerRecord) -> None:
        """Fold an event. Code with the fingerprint `broken` raises ValueError."""
        if self.fingerprint == "broken":
            raise ValueError(event)
        self.counts[event.key.decode()] = json.loads(event.value)["version"]

    def accepted(self, event: ConsumerRecord) -> None:
        """Remember nothing."""

    def answered(self, result: ConsumerRecord) -> None:
        """Remember nothing."""


class Flow:
    """Fetch control for tests, in the place of Faust's consumer."""

    def __init__(self, *, member: bool) -> None:
        self.starts: list[Mapping[str, int]] = []
        self.member = member
        """True while the group confirms the membership."""

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Record from which offsets the task wants its records."""
        assert partition == 0
        self.starts.append(offsets)

    def stop(self, partition: int) -> None:
        """Do nothing, because nothing is fetched without the test."""

    async def reached(self, partition: int) -> Mapping[str, int]:
        """Return no offsets, because nothing is fetched ahead."""
        assert partition == 0
        return {}

    async def owned(self) -> bool:
        """Return the membership that the test has set."""
        return self.member


class Harness:
    """One environment (topics, directory), and the tasks of partition 0 that a test opens in it, one after the other."""

    aggregate: type[Counting] = Counting

    def __init__(self, bootstrap: str, directory: Path) -> None:
        self.settings = Settings(broker=bootstrap, datadir=directory, app_id=f"t{uuid4().hex[:8]}", topic_prefix=f"{uuid4().hex[:8]}.", partitions=1)
        self.commands = self.settings.topic("commands.count")

    async def create_topics(self, *names: str) -> None:
        """Create these topics, or all that a task needs."""
        names = names or (self.commands, self.settings.changelog, *map(self.settings.topic, ("events.count", "results", "parked")))
        compact = {"cleanup.policy": "compact"}
        async with _admin(self.settings) as admin:
            await admin.create_topics([NewTopic(name, 1, 1, topic_configs=compact if name == self.settings.changelog else {}) for name in names])

    async def recreate(self, topic: str) -> None:
        """Delete a topic, and create it again under its name."""
        async with _admin(self.settings) as admin:
            await admin.delete_topics([topic])
        await self._until_creatable(topic)

    async def limit_record_size(self, topic: str, size: int) -> None:
        """Lower the size of the largest record batch that the broker accepts for a topic (bytes)."""
        await self.configure(topic, {"max.message.bytes": str(size)})

    async def configure(self, topic: str, config: Mapping[str, str]) -> None:
        """Change settings of a topic."""
        async with _admin(self.settings) as admin:
            await configure(admin, topic, config)

    def start(self, *, fingerprint: str = "1", accept_loss: bool = False, fold_again: bool = False, worker: str = "", member: bool = True) -> "Opened":
        """Begin to open a task. `worker` names one with another disk, `member` is its membership in the group."""
        counting = self.aggregate(self.settings, fingerprint)
        settings = self.settings.model_copy(update={"datadir": self.settings.datadir / worker})
        side = WriteTopology(settings, [self.commands], [counting], {self.commands: counting}, counting.sleepers)
        side.accept_loss, side.fold_again = accept_loss, fold_again
        task = WriteTask(side, 0, flow := Flow(member=member))
        task.start()
        return Opened(self, counting, task, flow)

    async def open(self, *, fingerprint: str = "1", accept_loss: bool = False, fold_again: bool = False, worker: str = "") -> "Opened":
        """Open a task, and return once it is ready or stopped."""
        asked = {"accept_loss": accept_loss, "fold_again": fold_again}
        opened = self.start(fingerprint=fingerprint, worker=worker, **asked)
        await until(lambda: opened.task.ready.is_set() or opened.task.stopped, within_s=60)
        return opened

    async def send(self, *values: tuple[str, bytes], headers: Sequence[tuple[str, bytes | None]] = (), transactional_id: str | None = None) -> None:
        """Write commands (key, value), in a transaction if there is an id."""
        async with (
            AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, transactional_id=transactional_id) as producer,
            producer.transaction() if transactional_id else nullcontext(),
        ):
            for key, value in values:
                await producer.send(self.commands, value, key.encode(), headers=list(headers))

    async def end(self, topic: str) -> int:
        """Return the end offset of a topic, once no transaction is open."""
        async with reader(self.settings.bootstrap) as consumer:
            return (await bounds(consumer, TopicPartition(topic, 0)))[1]

    async def delete_before(self, topic: str, offset: int) -> None:
        """Delete the records below an offset, as retention does."""
        async with _admin(self.settings) as admin:
            await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(offset)})

    async def records(self, topic: str, start: int | None = None) -> list[ConsumerRecord]:
        """Return the committed records of a topic, once no transaction is open."""
        where = TopicPartition(topic, 0)
        async with reader(self.settings.bootstrap) as consumer, AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap, retry_backoff_ms=10) as everything:
            async with asyncio.timeout(30):
                while await bounds(consumer, where) != await bounds(everything, where):  # noqa: ASYNC110 (the broker is asked)
                    await asyncio.sleep(0.01)
            begin, end = await bounds(consumer, where)
            return [record async for records, _ in read(consumer, where, begin if start is None else start, end) for record in records]

    async def versions(self) -> dict[str, list[int]]:
        """Return the versions in the log of record, by key."""
        found: dict[str, list[int]] = {}
        for record in await self.records(self.settings.topic("events.count")):
            found.setdefault(record.key.decode(), []).append(json.loads(record.value)["version"])
        return found

    async def expect_counts(self, **counts: int) -> None:
        """Assert that the log holds the versions 1..n of each key, and nothing else."""
        assert await self.versions() == {key: list(range(1, count + 1)) for key, count in counts.items()}

    async def order(self, key: str) -> list[int]:
        """Return the offsets of the commands that caused the events of a key, in the order of the log."""
        events = await self.records(self.settings.topic("events.count"))
        return [json.loads(event.value)["of"] for event in events if event.key == key.encode()]

    async def set_group_offset(self, offset: int) -> None:
        """Commit an offset for the group, as an operator could."""
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap, group_id=self.settings.app_id, enable_auto_commit=False)
        async with consumer:
            consumer.assign([TopicPartition(self.commands, 0)])
            await consumer.commit({TopicPartition(self.commands, 0): offset})

    async def expire_group(self) -> None:
        """Delete the group and its offsets, as the broker does when a group was gone for longer than `offsets.retention.minutes`."""
        admin = AdminClient({"bootstrap.servers": self.settings.bootstrap})
        await asyncio.to_thread(admin.delete_consumer_groups([self.settings.app_id])[self.settings.app_id].result)

    async def _until_creatable(self, topic: str) -> None:
        async with asyncio.timeout(30):
            while True:
                await self.create_topics(topic)
                async with _admin(self.settings) as admin:
                    [found] = await admin.describe_topics([topic])
                if found["error_code"] == 0:
                    return
                await asyncio.sleep(0.1)


class Opened:
    """Task that was opened, with its aggregate and its fetch control."""

    def __init__(self, harness: Harness, counting: Counting, task: WriteTask, flow: Flow) -> None:
        self.harness = harness
        self.counting = counting
        self.task = task
        self.flow = flow

    async def pump(self) -> None:
        """Fetch and process until the task has processed all commands, over as many incarnations as necessary."""
        async with asyncio.timeout(60):
            end = (await self.harness.records(self.harness.commands))[-1].offset + 1
            while await self._reached() < end:
                records = await self.harness.records(self.harness.commands, self.position)
                await self.task.process(RecordBatch(self.harness.commands, 0, self.task.opening, records), self.counting)

    def hand_over(self) -> "asyncio.Task[None]":
        """Fetch the unprocessed commands, and pass them to the task. The asyncio task ends once they are committed or dropped."""
        return asyncio.create_task(self._hand_over())

    async def _hand_over(self) -> None:
        records = await self.harness.records(self.harness.commands, self.position)
        await self.task.process(RecordBatch(self.harness.commands, 0, self.task.opening, records), self.counting)

    async def fall_idle(self) -> None:
        """Fall idle as a worker does when it reads nothing for a moment: the task stores a position at the topic's end, behind commit markers."""
        end = await self.harness.end(self.harness.commands)
        self.task.keep_position(self.task.read_up_to(self.task.opening, {self.harness.commands: end}))
        await until(lambda: self.position == end, within_s=30)

    async def retry(self, offset: int) -> Park | None:
        """Retry the record that was parked at this offset."""
        return await self.task.release(ReleaseRequest(self.harness.commands, offset))

    async def discard(self, offset: int, why: str) -> Park | None:
        """Discard the record that was parked at this offset."""
        return await self.task.release(ReleaseRequest(self.harness.commands, offset, why))

    async def idle(self) -> None:
        """Return once no release is under way."""
        await until(lambda: self.task.ready.is_set() and not self.task._releases, within_s=60)  # noqa: SLF001 (the test looks inside)

    async def _reached(self) -> int:
        await self.task.ready.wait()
        return self.position

    @property
    def position(self) -> int:
        """Next offset that the task processes."""
        return self.task.positions[self.harness.commands].offset_next

    @property
    def store(self) -> StateStore:
        """Store of the open task."""
        return self.task.store

    def rows(self) -> dict[str, Any]:
        """Return the committed counts on disk."""
        prefix = self.counting.counts.prefix
        return {key.removeprefix(prefix).decode(): self.counting.counts.decode(value) for key, value in self.store.scan(prefix)}
