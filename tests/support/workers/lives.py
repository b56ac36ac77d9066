"""Worker that is started again and again on one disk, and dies at another point each time."""

import signal
from collections.abc import Iterable
from pathlib import Path

from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM, Worker


class Mortal:
    """Starts one worker repeatedly on one disk. Its worker id lets it return without waiting for a session."""

    def __init__(self, environment: Environment, disk: Path, **variables: str) -> None:
        """Prepare the worker; `variables` are its settings at each start."""
        self._environment = environment
        self._disk = disk
        self._variables = variables

    def live(self, name: str = "plain", program: tuple[str, ...] = PROGRAM) -> Worker:
        """Start the worker, which must not be running."""
        return self._environment.worker(name, program=program, worker_id="mortal", datadir=str(self._disk), **self._variables)

    def doomed(self, point: str, program: str = "mortal") -> Worker:
        """Start the worker so that it dies at a point."""
        return self.live(point, ("-m", f"tests.support.workers.{program}", point))

    async def die_at(self, points: Iterable[str]) -> None:
        """Start the worker for each of these points, and let it die there."""
        for point in points:
            await died(self.doomed(point))


async def died(doomed: Worker) -> None:
    """Return once the worker has died at its point."""
    assert await doomed.exit_code(within_s=100) == -signal.SIGKILL, f"{doomed.name} was not reached"
