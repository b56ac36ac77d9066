"""Steps of a chaos run, in an order that follows from its seed."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import islice

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.client import AIOKafkaClient

from app.topics.contract import AGGREGATES, LOGS, command_topic
from tests.support.faults.faults import Fault, HalfOpen, Kind, Late, LateAnswer, LateRequest, LostAnswer, LostRequest
from tests.support.faults.garbage import garbage, send
from tests.support.faults.impostor import ANSWERS
from tests.support.faults.stage import STEP_TIMEOUT_S, Stage
from tests.support.workers.environment import SESSION_S

_BEFALL = (LostRequest, LostAnswer, LateRequest, LateAnswer, HalfOpen)
_AT_ONCE = 3
"""Number of requests that one step loses or delays."""

GARBAGE_AT_ONCE = 9
"""Number of records of one step: one of each kind."""

SHIFT = "CLOCK_SHIFT_S"
HOUR_S = 3_600.0


class Step(StrEnum):
    """Kind of damage."""

    KILL = "a worker is killed"
    END = "a worker is asked to end"
    PAUSE = "a worker is stopped for longer than its session"
    RESTART = "the broker is killed and started again"
    CUT = "all connections of a worker are cut"
    FREEZE = "all connections of a worker are half-open"
    REQUESTS = "requests of a worker are lost or late"
    RETENTION = "after a quiet week all commands and results are gone, and a worker is killed"
    CLOCK = "a worker is started with its clock an hour off"
    TRANSACTION = "a transaction of another producer stays open on the commands"
    GARBAGE = "records come that no client should send"
    SUSPEND = "all workers are suspended for longer than a step of a saga may take"
    IMPOSTOR = "a proxy answers in a worker's place"


def schedule(luck: random.Random, dose: Mapping[Step, int]) -> Iterator[Step]:
    """Yield endless steps: `dose` has how often each one occurs before they are shuffled again."""
    while True:
        steps = list(Counter(dose).elements())
        luck.shuffle(steps)
        yield from steps


class Damage:
    """Applies steps to a stage, and counts them."""

    def __init__(self, stage: Stage, luck: random.Random) -> None:
        self.done: Counter[Step] = Counter()
        self._stage = stage
        self._luck = luck
        self._faults: list[Fault] = []
        self._garbage = garbage(luck)

    @property
    def struck(self) -> int:
        """Number of single requests that were lost or delayed."""
        return sum(fault.struck.is_set() for fault in self._faults)

    async def do(self, step: Step) -> None:
        """Apply a step. Return once the damage is done; the system may still be recovering."""
        await {
            Step.KILL: self._kill,
            Step.END: self._end,
            Step.PAUSE: self._pause,
            Step.RESTART: self._restart,
            Step.CUT: self._cut,
            Step.FREEZE: self._freeze,
            Step.REQUESTS: self._befall,
            Step.RETENTION: self._retain,
            Step.CLOCK: self._shift,
            Step.TRANSACTION: self._hold,
            Step.GARBAGE: self._litter,
            Step.SUSPEND: self._suspend,
            Step.IMPOSTOR: self._impersonate,
        }[step]()
        self.done[step] += 1

    def deliver(self) -> None:
        """Deliver what was delayed."""
        for fault in self._faults:
            if isinstance(fault, Late):
                fault.deliver.set()

    async def _kill(self) -> None:
        victim = self._luck.choice(self._stage.workers)
        await victim.serving()
        victim.worker.signal(signal.SIGKILL)

    async def _end(self) -> None:
        victim = self._luck.choice(self._stage.workers)
        await victim.serving()
        victim.worker.signal(signal.SIGTERM)

    async def _retain(self) -> None:
        """Delete processed records, as retention does, and kill a worker. That must lose nothing."""
        settings = self._stage.environment.settings
        await self._stage.environment.empty(settings.topic("results"))
        await self._stage.environment.empty_processed(*(command_topic(settings, kind) for kind in LOGS))
        await self._kill()

    async def _shift(self) -> None:
        victim = self._luck.choice(self._stage.workers)
        await victim.serving()
        victim.worker.environment[SHIFT] = str(self._luck.choice([-HOUR_S, 0, HOUR_S]))
        victim.worker.signal(signal.SIGKILL)

    async def _hold(self) -> None:
        """Keep a transaction open for a while, then abort it. Readers behind it continue then."""
        settings = self._stage.environment.settings
        topic, partition = command_topic(settings, self._luck.choice(AGGREGATES)), self._luck.randrange(settings.partitions)
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-foreign") as producer:
            await producer.begin_transaction()
            await producer.send_and_wait(topic, b"{}", b"never", partition=partition)
            await asyncio.sleep(SESSION_S * self._luck.uniform(0.5, 2))  # that is the damage
            await producer.abort_transaction()

    async def _litter(self) -> None:
        settings = self._stage.environment.settings
        topics = [command_topic(settings, kind) for kind in LOGS]
        client = AIOKafkaClient(bootstrap_servers=settings.bootstrap)
        await client.bootstrap()
        try:
            await client.set_topics(topics)
            for record in islice(self._garbage, GARBAGE_AT_ONCE):
                await send(client, TopicPartition(self._luck.choice(topics), self._luck.randrange(settings.partitions)), record)
        finally:
            await client.close()

    async def _suspend(self) -> None:
        workers = [each.worker for each in self._stage.workers if not each.worker.ended]
        for worker in workers:
            worker.signal(signal.SIGSTOP)
        await asyncio.sleep(STEP_TIMEOUT_S * self._luck.uniform(1.2, 2))  # that is the damage
        for worker in workers:
            worker.signal(signal.SIGCONT)

    async def _impersonate(self) -> None:
        impostor = self._luck.choice(self._stage.impostors)
        impostor.answer = self._luck.choice(ANSWERS)
        await asyncio.sleep(SESSION_S * self._luck.uniform(0.5, 1))  # that is the damage
        impostor.answer = None

    async def _pause(self) -> None:
        victim = self._luck.choice(self._stage.workers)
        await victim.serving()
        victim.worker.signal(signal.SIGSTOP)
        await asyncio.sleep(SESSION_S * self._luck.uniform(1.2, 2))  # that is the damage
        victim.worker.signal(signal.SIGCONT)

    async def _restart(self) -> None:
        self._stage.broker.kill()
        await asyncio.to_thread(self._stage.broker.start)

    async def _cut(self) -> None:
        self._luck.choice(self._stage.proxies).cut()

    async def _freeze(self) -> None:
        self._luck.choice(self._stage.proxies).freeze()

    async def _befall(self) -> None:
        proxy = self._luck.choice(self._stage.proxies)
        self._faults += [proxy.arm(self._luck.choice(_BEFALL)(self._luck.choice(list(Kind)))) for _ in range(_AT_ONCE)]
