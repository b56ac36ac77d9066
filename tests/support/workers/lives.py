"""The lives of one worker, each of which ends at a point of its own."""

import signal
from collections.abc import Iterable
from pathlib import Path

from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM, Worker


class Mortal:
    """One worker with an id, and so without a session to wait for, whose lives follow one another on one disk."""

    def __init__(self, environment: Environment, disk: Path, **variables: str) -> None:
        """`variables` are the settings of all lives."""
        self._environment = environment
        self._disk = disk
        self._variables = variables

    def live(self, name: str = "plain", program: tuple[str, ...] = PROGRAM) -> Worker:
        """Begin a life; the one before has ended."""
        return self._environment.worker(name, program=program, worker_id="mortal", datadir=str(self._disk), **self._variables)

    def doomed(self, point: str, program: str = "mortal") -> Worker:
        """Begin one that ends at a point."""
        return self.live(point, ("-m", f"tests.support.workers.{program}", point))

    async def die_at(self, points: Iterable[str]) -> None:
        """Die at each of these points in turn."""
        for point in points:
            await died(self.doomed(point))


async def died(doomed: Worker) -> None:
    """Return once it has, at its point."""
    assert await doomed.exit_code(within_s=100) == -signal.SIGKILL, f"{doomed.name} was not reached"
