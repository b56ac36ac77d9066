"""Whether what keeps a worker going goes on: only what a restart can mend counts, so that supervisors kill nothing in vain (docs/decisions/0012)."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from app.streams.application import Application
from app.streams.progress import ProgressLog
from app.web.monitoring.lag import LagMonitor

LOOK_EVERY_S = 1.0

THREAD_LOOKS = 60
"""The consumer's thread has nothing to do that takes longer."""

WORK_LOOKS = 300
"""Reading and recovering wait for others: give them time."""


class Heartbeat(NamedTuple):
    """Something that has to go on: `mark` differs as soon as it has, and may stay the same for `patience` looks."""

    name: str
    mark: Hashable
    patience: int


class _Seen(NamedTuple):
    part: Heartbeat
    looks: int


class LivenessMonitor:
    """Looks again and again. Looks are counted and not seconds: while the whole process is stopped, nothing is stuck."""

    def __init__(self, parts: Callable[[], Iterable[Heartbeat]]) -> None:
        """`parts` says what has to go on at the moment; what was not among them begins anew."""
        self._parts = parts
        self._seen: dict[str, _Seen] = {}

    async def watch(self) -> None:
        """Never returns."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """See which parts went on since the last look."""
        self._seen = {part.name: _Seen(part, self._looks(part)) for part in self._parts()}

    def stuck(self) -> list[str]:
        """The parts that should have gone on."""
        return [part.name for part, looks in self._seen.values() if looks > part.patience]

    def _looks(self, part: Heartbeat) -> int:
        before = self._seen.get(part.name)
        return before.looks + 1 if before is not None and before.part.mark == part.mark else 0


def parts(app: Application, lag: LagMonitor) -> Iterator[Heartbeat]:
    """The consumer's thread; and while the broker answers, so that an outage of it never counts: the assignment or reading, and the tasks that have work."""
    consumer: Any = app.consumer
    if consumer.beats:
        yield Heartbeat("the consumer's thread", consumer.beats, THREAD_LOOKS)
    if not lag.known:
        return
    assigned = app.tables.generation >= 0 and not app.rebalancing
    yield Heartbeat("reading", consumer.fetches, WORK_LOOKS) if assigned else Heartbeat("the assignment", app.tables.generation, WORK_LOOKS)
    for partition, mark in app.tables.working():
        yield Heartbeat(f"partition {partition}", (mark, ProgressLog.steps), WORK_LOOKS)
