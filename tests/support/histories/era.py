"""Era: several histories side by side on one broker, disturbed in every way that a system must survive. `foldstream verify` must never find anything.

Any finding is a fault of the system or of verify.
"""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.client.results import Json
from app.topics.contract import AGGREGATES, LOGS, command_topic
from app.verify.run import audit
from tests.support.histories.shops import Shop
from tests.support.http.client import ready
from tests.support.workers.environment import Environment
from tests.support.workers.worker import WHOLE
from tests.system.http.test_parked import parked
from tests.unit.read_models.test_old_events import EVENTS, log_of

ROUNDS = 4
VIEWS = ("history", "order_summary", "customer_orders", "orders_by_status", "product_stock", "customer_account", "saga_status")
POISON = (b"\xff no JSON", b"{}", b'{"commandType": "Unheard"}', b"")
WAITS = {"saga_step_timeout_s": "2", "saga_backoff_s": "0.2", "saga_retries": "1", "saga_deadline_s": "20"}
"""Settings with which sagas time out, and are compensated, within an era."""


class Plan(NamedTuple):
    """Plan of an era. The seed decides what happens, the machine's speed when."""

    seed: int
    shops: int
    rounds: int = ROUNDS
    program: tuple[str, ...] = WHOLE
    """Arguments of Python that start a worker that is not upgraded."""


class Found(NamedTuple):
    """Findings of verify, which should have none."""

    seed: int
    when: str
    findings: list[str]


class Era:
    """Era in one environment."""

    def __init__(self, environment: Environment, plan: Plan) -> None:
        self._environment = environment
        self._plan = plan
        self._luck = random.Random(plan.seed)  # noqa: S311 (each run with one seed must be the same)
        self._shops = [Shop(f"s{number}", self._luck.randrange(1 << 30)) for number in range(plan.shops)]
        self._version = 0
        self.audits = 0
        self.found: list[Found] = []

    async def run(self) -> None:
        """Run everything, from imported events to a verify without a worker."""
        if self._luck.random() < 0.5:
            await self._import()
        self._worker = self._environment.worker("alone", program=self._plan.program, worker_id="alone", **WAITS)
        async with aiohttp.ClientSession() as self._session:
            self._client = await ready(self._session, self._worker)
            await self._lived([shop.opening() for shop in self._shops], "the opening")
            for number in range(self._plan.rounds):
                await self._lived([shop.round() for shop in self._shops], f"round {number}")
            self._worker.signal(signal.SIGTERM)
            await self._worker.exit_code(60)
            await self._audit("the end, without a worker")
            await self._retention(whole=True)
            await self._audit("a quiet week, without a worker")
            await self._restart(self._plan.program)
            await self._audit("a quiet week")

    async def _lived(self, lives: list[Iterator[Json]], when: str) -> None:
        """Send the commands of one round, disturb the system during and after that, and run verify at any time."""
        sending = asyncio.create_task(self._send(lives))
        if self._luck.random() < 0.5:
            await self._audit(f"{when}, at work")
        await sending
        deed = self._luck.choice(self._deeds)
        await deed()
        await self._audit(f"{when}, after {deed.__name__.strip('_')}, at work")
        await self._environment.caught_up()
        if self._luck.random() < 0.5:
            await self._retention(whole=self._luck.random() < 0.3)
        await self._audit(f"{when}, after {deed.__name__.strip('_')}, processed")

    async def _send(self, lives: list[Iterator[Json]]) -> None:
        """Send the commands of all histories in turns and in pieces, so that fetches end in between."""
        commands = [command for turn in zip_longest(*lives) for command in turn if command is not None]
        size = self._luck.choice((10, 50, 500))
        for begin in range(0, len(commands), size):
            await self._environment.send(commands[begin : begin + size])
            if self._luck.random() < 0.1:
                await self._poison()

    @property
    def _deeds(self) -> list[Callable[[], Awaitable[None]]]:
        return [self._kill, self._upgrade, self._lose_disk, self._rebuild, self._release, self._hold]

    async def _kill(self) -> None:
        self._worker.signal(signal.SIGKILL)
        await self._restart(self._plan.program)

    async def _upgrade(self) -> None:
        """Start another version of the code. Sometimes the old version is killed while it rebuilds."""
        self._worker.signal(self._luck.choice((signal.SIGTERM, signal.SIGKILL)))
        await self._worker.exit_code(60)
        self._version += 1
        await self._restart(("-m", "tests.support.histories.upgraded", str(self._version)))

    async def _lose_disk(self) -> None:
        """Lose the worker's disk, and start another worker that takes over."""
        self._worker.signal(signal.SIGKILL)
        self._worker = self._environment.worker(f"another-{self._luck.randrange(1 << 30)}", program=self._plan.program, worker_id="alone", **WAITS)
        self._client = await ready(self._session, self._worker)

    async def _rebuild(self) -> None:
        view = self._luck.choice(VIEWS)
        for partition in range(self._environment.settings.partitions):
            await self._client.post(f"/tables/{view}/{partition}/rebuild", {"rebuildId": f"r-{self._luck.randrange(1 << 30)}"})

    async def _release(self) -> None:
        """Retry or discard parked records."""
        for item in await parked(self._client):
            what = self._luck.choice(("retry", "discard", ""))
            if item["head"] and what:
                await self._client.post(f"/parked/{item['topic']}/{item['partition']}/{item['offset']}/{what}", {"reason": "a reason"})

    async def _hold(self) -> None:
        """Keep another producer's transaction open in a command topic while verify reads."""
        async with AIOKafkaProducer(
            bootstrap_servers=self._environment.settings.bootstrap, transactional_id=f"{self._environment.settings.app_id}-other"
        ) as other:
            await other.begin_transaction()
            await self._write(other, self._luck.choice(POISON))
            await self._audit("a transaction is open")
            await (other.commit_transaction() if self._luck.random() < 0.5 else other.abort_transaction())

    async def _poison(self) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self._environment.settings.bootstrap) as producer:
            await self._write(producer, self._luck.choice(POISON))

    async def _write(self, producer: AIOKafkaProducer, value: bytes) -> None:
        topic = command_topic(self._environment.settings, self._luck.choice(AGGREGATES))
        keys = [order.encode() for shop in self._shops for order in shop.orders]
        key = self._luck.choice([None, *keys] if value else keys)  # aiokafka sends nothing that has neither key nor value
        await producer.send_and_wait(topic, value or None, key, timestamp_ms=self._luck.choice([None, 1, 1 << 50]))

    async def _import(self) -> None:
        """Begin the log with events that no command of this system has caused."""
        async with AIOKafkaProducer(bootstrap_servers=self._environment.settings.bootstrap) as producer:
            for event in EVENTS:
                await producer.send_and_wait(self._environment.settings.topic(log_of(event.aggregate_type)), event.written, event.aggregate_id.encode())

    async def _retention(self, *, whole: bool) -> None:
        """Delete processed records of the topics with retention: all of them, or the first part."""
        settings = self._environment.settings
        read = self._environment.partitions(command_topic(settings, kind) for kind in LOGS)
        results = self._environment.partitions([settings.topic("results")])
        where = [*read, *results]
        async with AIOKafkaConsumer(bootstrap_servers=settings.bootstrap) as consumer:
            begins = await consumer.beginning_offsets(where)
            ends = await consumer.end_offsets(results) | await self._environment.told(read)  # a timer may have written records that are not read yet
        for each in where:
            if whole or self._luck.random() < 0.5:
                topic = each.topic.removeprefix(settings.topic_prefix)
                await self._environment.delete_before(topic, each.partition, ends[each] if whole else self._luck.randint(begins[each], ends[each]))

    async def _restart(self, program: tuple[str, ...]) -> None:
        self._worker.destroy()
        self._worker.program = program
        self._worker.start()
        self._client = await ready(self._session, self._worker)

    async def _audit(self, when: str) -> None:
        self.audits += 1
        findings = await audit(self._environment.settings)
        if findings:
            self.found.append(Found(self._plan.seed, when, findings))


async def lived(bootstrap: str, directory: Path, plan: Plan) -> Era:
    """Run an era with topics of its own."""
    environment = Environment(bootstrap, directory, partitions=2)
    era = Era(environment, plan)
    try:
        await environment.create_topics()
        await era.run()
    finally:
        environment.end()
    return era
