"""Storm: under load, a worker joins or leaves every five seconds: `python -m tests.support.faults.storm --seconds 180`."""

import argparse
import asyncio
import logging
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.embedded_kafka.embedded import EmbeddedKafka
from tests.conftest import find_port
from tests.support.faults.commands import Commands
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.worker import Worker

PARTITIONS = 8
MOST = 4
"""Largest number of workers at a time."""

EVERY_S = 5.0
"""Interval of changes, shorter than a session: others join and leave before the group notices a killed worker (seconds)."""

AHEAD = 500


@dataclass
class Outcome:
    """Outcome of a storm, with its findings."""

    seed: int
    commands: int
    changes: Counter[str]
    own_exits: int
    findings: list[str]

    def __str__(self) -> str:
        counted = ", ".join(f"{count} {change}" for change, count in sorted(self.changes.items()))
        return f"seed {self.seed}: {self.commands} commands, {counted}, {self.own_exits} exits of workers themselves; audit: {self.findings or 'nothing'}"


class Storm:
    """Workers that join and leave. A name that was used before returns with its disk."""

    def __init__(self, environment: Environment, seed: int) -> None:
        self.changes: Counter[str] = Counter()
        self.own_exits = 0
        self._environment = environment
        self._seed = seed
        self._luck = random.Random(seed)  # noqa: S311 (each run with one seed must be the same)
        self._present: list[Worker] = []
        self._leaving: list[Worker] = []

    async def run(self, seconds: float) -> Outcome:
        """Run the storm for this long. Then wait for every result, run verify, and check the assignment."""
        commands = Commands(self._seed)
        self._join()
        async with Results(self._environment.settings) as results, asyncio.TaskGroup() as background:
            flow = background.create_task(self._environment.flow(commands, results, AHEAD))
            for _ in range(int(seconds / EVERY_S)):
                await asyncio.sleep(EVERY_S)  # that is the storm
                self._change()
            commands.over.set()
            await flow
            findings = await commands.findings(self._environment, results)
        findings += [*await self._unended(), *await self._unowned()]
        return Outcome(self._seed, commands.taken, self.changes, self.own_exits, findings)

    def _change(self) -> None:
        """Start one worker or stop one. Workers that exited by themselves are started again first, as a supervisor does."""
        for worker in self._present:
            if worker.ended:
                self.own_exits += 1
                worker.start()
        if len(self._present) == 1 or (len(self._present) < MOST and self._luck.random() < 0.5):
            self._join()
        else:
            self._leave()

    def _join(self) -> None:
        gone = [worker for worker in self._leaving if worker.ended]
        if gone:
            self._leaving.remove(gone[0])
            gone[0].start()
        self._present.append(gone[0] if gone else self._environment.worker(f"worker-{len(self._environment.workers)}"))
        self.changes["joined"] += 1

    def _leave(self) -> None:
        worker = self._present.pop(self._luck.randrange(len(self._present)))
        self._leaving.append(worker)
        how = self._luck.choice([signal.SIGTERM, signal.SIGKILL])
        worker.signal(how)
        self.changes["left" if how is signal.SIGTERM else "killed"] += 1

    async def _unended(self) -> list[str]:
        """Return a finding for each worker that did not leave when it was asked to, or left uncleanly."""
        with suppress(TimeoutError):
            await until(lambda: all(worker.ended for worker in self._leaving), within_s=60)
        codes = {worker.name: worker.process.returncode for worker in self._leaving}
        return [f"{name} was told to leave: exit code {code}" for name, code in codes.items() if code not in {0, -signal.SIGKILL}]

    async def _unowned(self) -> list[str]:
        """Return a finding if the remaining workers do not come to own each partition exactly once."""
        try:
            await until(lambda: sorted(self._owned()) == list(range(PARTITIONS)), within_s=200)
        except TimeoutError:
            return [f"the last workers own {sorted(self._owned())} of {PARTITIONS} partitions"]
        return []

    def _owned(self) -> list[int]:
        return [partition for worker in self._present for partition in worker.owned]


async def rage(kafka: str, directory: Path, seed: int, seconds: float) -> Outcome:
    """Run a storm on a running broker."""
    environment = Environment(kafka, directory, partitions=PARTITIONS)
    try:
        await environment.create_topics()
        return await Storm(environment, seed).run(seconds)
    finally:
        environment.end()


def main() -> int:
    """Return 0 if there are no findings after the storm."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.faults.storm", description="Workers join and leave all the time, under load.")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--seconds", type=float, default=180)
    wanted = parser.parse_args()
    print(f"seed {wanted.seed}", flush=True)  # noqa: T201 (a program)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # processes that were started are stopped then, too
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    directory = Path(tempfile.mkdtemp(prefix="storm-"))
    broker = EmbeddedKafka(directory / "broker", find_port())
    try:
        broker.start()
        outcome = asyncio.run(rage(broker.bootstrap, directory, wanted.seed, wanted.seconds))
    finally:
        broker.stop()
    print(outcome)  # noqa: T201 (as above)
    if outcome.findings:
        print(f"the logs are in {directory}")  # noqa: T201 (as above)
        return 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
