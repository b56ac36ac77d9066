"""Environment of one test on a broker: topics, consumer group, workers, and their results."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Self
from uuid import uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete

from app.client.results import Json
from app.domain.registry import FEEDS
from app.settings import Settings
from app.topics.admin import apply, members
from app.topics.contract import AGGREGATES, LOGS, command_topic, event_topic, feed_topic, topics
from tests.support.topics import configure
from tests.support.waiting import until
from tests.support.workers.worker import PROGRAM, Worker

SESSION_S = 6.0
"""Session timeout of workers, the least that a broker allows by default (seconds)."""


class Environment:
    """Names that no other test uses. `close` ends every worker that was started."""

    def __init__(self, bootstrap: str, directory: Path, partitions: int = 4) -> None:
        name = f"t{uuid4().hex[:8]}"
        self.settings = Settings(
            broker=bootstrap, datadir=directory, app_id=name, topic_prefix=f"{name}.", replication=1, session_timeout_s=SESSION_S, partitions=partitions
        )
        self.workers: list[Worker] = []
        self._directory = directory

    async def create_topics(self) -> None:
        """Create all topics of the contract."""
        await apply(self.settings)

    def worker(self, name: str, *, program: tuple[str, ...] = PROGRAM, **variables: str) -> Worker:
        """Start a worker with a data directory of its own, and these settings besides those of the environment. `program` holds Python's arguments."""
        own = self.settings.model_dump(mode="json", include={"broker", "app_id", "topic_prefix", "replication", "session_timeout_s", "partitions"})
        environment = {f"FOLDSTREAM_{key.upper()}": str(value) for key, value in {"web_port": 0, **own, **variables}.items()}
        self.workers.append(Worker(name, self._directory, environment, program))
        return self.workers[-1]

    async def send(self, commands: Iterable[Json], transactional_id: str | None = None) -> int:
        """Write commands in order, in a transaction if there is an id. Return their number once all are in the log."""
        async with (
            AIOKafkaProducer(
                bootstrap_servers=self.settings.bootstrap, acks="all", enable_idempotence=True, linger_ms=2, transactional_id=transactional_id
            ) as producer,
            producer.transaction() if transactional_id else nullcontext(),
        ):
            return len(await asyncio.gather(*[await self._produce(producer, command) for command in commands]))

    async def lag(self, topic: str) -> int:
        """Return the consumer group's lag on partition 0 of a topic, as a lag tool computes it."""
        [lag] = await self._lags([TopicPartition(self.settings.topic(topic), 0)])
        return lag

    async def caught_up(self) -> None:
        """Return once the group's offsets show that all commands, and all inputs of sagas, are processed."""
        await self._processed(command_topic(self.settings, kind) for kind in LOGS)

    async def folded(self) -> None:
        """Return once the group's offsets show that all inputs of views are processed: events and feeds."""
        events = (event_topic(self.settings, kind) for kind in LOGS)
        await self._processed([*events, *(feed_topic(self.settings, feed) for feed in FEEDS)])

    async def reset_group(self, to: str) -> None:
        """Commit the `beginning` or the `end` of every command topic for the consumer group, which must be empty."""
        partitions = [TopicPartition(self.settings.topic(f"commands.{kind}"), number) for kind in AGGREGATES for number in range(self.settings.partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap, group_id=self.settings.app_id, enable_auto_commit=False) as consumer:
            consumer.assign(partitions)
            await consumer.commit(await (consumer.beginning_offsets if to == "beginning" else consumer.end_offsets)(partitions))

    async def left(self) -> None:
        """Return once the group has no member. A killed worker stays a member until its session has run out."""
        async with asyncio.timeout(60):
            while await members(self.settings, self.settings.app_id):  # noqa: ASYNC110 (the broker is asked)
                await asyncio.sleep(0.1)

    async def send_paced(self, commands: Sequence[Json], results: "Results", chunk: int = 20) -> None:
        """Write a few commands at a time, and wait for their results in between, so that fetches wait for records."""
        for begin in range(0, len(commands), chunk):
            await self.send(commands[begin : begin + chunk])
            await results.number(begin + chunk)

    async def flow(self, commands: Iterable[Json], results: "Results", ahead: int, sent: int = 0) -> None:
        """Write all commands, with at most `ahead` of them without a result; `sent` were sent before."""
        async with AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, acks="all", enable_idempotence=True, linger_ms=2) as producer:
            for command in commands:
                await results.number(sent - ahead + 1)
                await self._produce(producer, command)
                sent += 1

    async def configure(self, topic: str, **config: str) -> None:
        """Change settings of a topic (Kafka's names, `_` for `.`). Return once the broker applies them, because it answers before."""
        [wanted] = [each for each in topics(self.settings) if each.name == self.settings.topic(topic)]
        changed = {**wanted.config, **{name.replace("_", "."): value for name, value in config.items()}}
        async with self._admin() as admin:
            await configure(admin, wanted.name, changed)

    async def add_partitions(self, topic: str, total: int) -> None:
        """Give a topic more partitions, as an administrator can."""
        async with self._admin() as admin:
            await admin.create_partitions({self.settings.topic(topic): NewPartitions(total)})

    async def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete records, as retention does."""
        async with self._admin() as admin:
            await admin.delete_records({TopicPartition(self.settings.topic(topic), partition): RecordsToDelete(offset)})

    async def empty(self, *topic: str) -> None:
        """Delete all records of these topics (names on the broker), and the markers behind them, as retention does after a quiet week."""
        async with self._admin() as admin:
            await admin.delete_records({where: RecordsToDelete(-1) for where in self.partitions(topic)})

    async def empty_processed(self, *topic: str) -> None:
        """Delete the records of these topics that the group's offsets show as processed. A timer may write more at any time."""
        told = await self.told(self.partitions(topic))
        async with self._admin() as admin:
            await admin.delete_records({where: RecordsToDelete(offset) for where, offset in told.items()})

    async def lose(self, topic: str) -> None:
        """Delete a topic (name on the broker), and create it again, empty."""
        async with self._admin() as admin:
            await admin.delete_topics([topic])
            while topic in await admin.list_topics():  # noqa: ASYNC110 (the broker is asked)
                await asyncio.sleep(0.05)
        await apply(self.settings)

    def partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        """Return the partitions of these topics (names on the broker)."""
        return [TopicPartition(topic, number) for topic in topics for number in range(self.settings.partitions)]

    async def told(self, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        """Return the group's committed offset of each partition, or 0."""
        async with self._admin() as admin:
            told = await admin.list_consumer_group_offsets(self.settings.app_id)
        return {where: told[where].offset if where in told else 0 for where in partitions}

    async def _processed(self, topics: Iterable[str], within_s: float = 100) -> None:
        partitions = self.partitions(topics)
        async with asyncio.timeout(within_s):
            while any(await self._lags(partitions)):  # noqa: ASYNC110 (the broker is asked)
                await asyncio.sleep(0.1)

    async def _lags(self, partitions: list[TopicPartition]) -> list[int]:
        """Return the lags. End offsets are read last: if they equal the offsets read before, no record was on its way between these topics."""
        told = await self.told(partitions)
        async with AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap) as consumer:
            ends = await consumer.end_offsets(partitions)
        return [ends[where] - told[where] for where in partitions]

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    def end(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.destroy()

    def close(self) -> None:
        """End the workers, and print their logs, which pytest shows if the test failed."""
        self.end()
        for worker in self.workers:
            print(f"--- {worker.name}, started {worker.starts} times\n{worker.said[-20_000:]}")  # noqa: T201 (pytest shows it)

    async def _produce(self, producer: AIOKafkaProducer, command: Json) -> "asyncio.Future[object]":
        topic, key = command_topic(self.settings, command["aggregateType"]), command["aggregateId"].encode()
        written: asyncio.Future[object] = await producer.send(topic, msgspec.json.encode(command), key)
        return written


@asynccontextmanager
async def opened(fresh: Environment) -> AsyncIterator[Environment]:
    """Create the topics of an environment, and close it afterwards."""
    try:
        await fresh.create_topics()
        yield fresh
    finally:
        fresh.close()


class Results:
    """Collects the `wanted` results of an environment, or those of one aggregate: `async with Results(settings) as results`.

    Collects events if `topic` is a log of record.
    """

    def __init__(self, settings: Settings, of: str | None = None, topic: str = "results", wanted: Callable[[Json], bool] = lambda _result: True) -> None:
        self._settings = settings
        self._topic = settings.topic(topic)
        self._aggregate_id = of
        self._wanted = wanted
        self.all: list[Json] = []

    async def __aenter__(self) -> Self:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap, isolation_level="read_committed", auto_offset_reset="earliest")
        await self._consumer.start()
        self._consumer.assign([TopicPartition(self._topic, partition) for partition in range(self._settings.partitions)])
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._following.cancel()
        await asyncio.wait([self._following])
        await self._consumer.stop()

    async def number(self, count: int, within_s: float = 200) -> None:
        """Wait until there are this many. Raise TimeoutError if they do not arrive in time (seconds)."""
        await until(lambda: len(self.all) >= count, within_s)

    def firsts(self) -> Counter[tuple[str, str]]:
        """Return the number of first results of each command, by aggregate and command id."""
        return Counter((result["aggregateId"], result["commandId"]) for result in self.all if not result.get("duplicate"))

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=200)).values():
                found = (msgspec.json.decode(record.value) for record in records)
                self.all.extend(result for result in found if self._aggregate_id in {None, result["aggregateId"]} and self._wanted(result))
