"""Liveness of the worker: only failures that a restart repairs count, so that supervisors do not kill workers in vain (docs/decisions/0012)."""

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import NamedTuple

from app.streams.application import Application
from app.streams.progress import ProgressLog
from app.web.monitoring.lag import LagMonitor

LOOK_EVERY_S = 1.0

THREAD_LOOKS = 60
"""Looks without progress after which the consumer's thread is stuck; nothing that it does takes longer."""

WORK_LOOKS = 300
"""Looks without progress after which reading or recovery is stuck; both wait for others, so they get more time."""


class Heartbeat(NamedTuple):
    """Part of the worker that has to make progress: `mark` changes with its progress, and may stay the same for `patience` looks."""

    name: str
    mark: Hashable
    patience: int


class _Seen(NamedTuple):
    part: Heartbeat
    looks: int


class LivenessMonitor:
    """Monitor that looks for progress every LOOK_EVERY_S seconds. It counts looks, not seconds, so that a stopped process does not appear stuck."""

    def __init__(self, parts: Callable[[], Iterable[Heartbeat]]) -> None:
        """`parts` returns the parts that currently have to make progress. A part that was missing in the last look is counted from zero."""
        self._parts = parts
        self._seen: dict[str, _Seen] = {}

    async def watch(self) -> None:
        """Look again and again, without end."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Note which parts made progress since the last look."""
        self._seen = {part.name: _Seen(part, self._looks(part)) for part in self._parts()}

    def stuck(self) -> list[str]:
        """Return the names of the parts that should have made progress and did not."""
        return [part.name for part, looks in self._seen.values() if looks > part.patience]

    def _looks(self, part: Heartbeat) -> int:
        before = self._seen.get(part.name)
        return before.looks + 1 if before is not None and before.part.mark == part.mark else 0


def parts(app: Application, lag: LagMonitor) -> Iterator[Heartbeat]:
    """Yield the parts that have to make progress now: the consumer's thread, the assignment or reading, and the tasks with work.

    While the broker does not answer, only the thread counts, so that an outage of the broker never makes a worker stuck.
    """
    if app.consumer.beats:
        yield Heartbeat("the consumer's thread", app.consumer.beats, THREAD_LOOKS)
    if not lag.known:
        return
    assigned = app.tables.generation >= 0 and not app.rebalancing
    yield Heartbeat("reading", app.consumer.fetches, WORK_LOOKS) if assigned else Heartbeat("the assignment", app.tables.generation, WORK_LOOKS)
    for partition, mark in app.tables.working():
        yield Heartbeat(f"partition {partition}", (mark, ProgressLog.steps), WORK_LOOKS)
