"""What is broken in a run of chaos, in an order that follows from its seed."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum

from tests.faults.faults import Fault, HalfOpen, Kind, Late, LateAnswer, LateRequest, LostAnswer, LostRequest
from tests.faults.stage import Stage
from tests.system.environment import SESSION_S

_BEFALL = (LostRequest, LostAnswer, LateRequest, LateAnswer, HalfOpen)
_AT_ONCE = 3
"""So many requests are lost or late in one step."""


class Step(StrEnum):
    """One kind of damage."""

    KILL = "a worker is killed"
    PAUSE = "a worker is stopped for longer than its session"
    RESTART = "the broker is killed and started again"
    CUT = "all connections of a worker are cut"
    FREEZE = "all connections of a worker are half-open"
    REQUESTS = "requests of a worker are lost or late"


def schedule(luck: random.Random, dose: Mapping[Step, int]) -> Iterator[Step]:
    """Steps without an end: `dose` says how often each occurs before they are mixed anew."""
    while True:
        steps = list(Counter(dose).elements())
        luck.shuffle(steps)
        yield from steps


class Damage:
    """Does what the steps say to a stage, and counts it."""

    def __init__(self, stage: Stage, luck: random.Random) -> None:
        self.done: Counter[Step] = Counter()
        self._stage = stage
        self._luck = luck
        self._faults: list[Fault] = []

    @property
    def struck(self) -> int:
        """How many single requests were lost or late."""
        return sum(fault.struck.is_set() for fault in self._faults)

    async def do(self, step: Step) -> None:
        """Do it; returns when the damage is done, not when it is mended."""
        await {
            Step.KILL: self._kill,
            Step.PAUSE: self._pause,
            Step.RESTART: self._restart,
            Step.CUT: self._cut,
            Step.FREEZE: self._freeze,
            Step.REQUESTS: self._befall,
        }[step]()
        self.done[step] += 1

    def deliver(self) -> None:
        """Let what is late arrive."""
        for fault in self._faults:
            if isinstance(fault, Late):
                fault.deliver.set()

    async def _kill(self) -> None:
        victim = self._luck.choice(self._stage.workers)
        await victim.serving()
        victim.worker.signal(signal.SIGKILL)

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
