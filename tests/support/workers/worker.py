"""Workers as an operator runs them: processes with a log each."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import until

WHOLE = ("-m", "app", "worker")
"""Arguments of the worker that an operator runs."""

UNHURRIED = ("-m", "tests.support.workers.unhurried", "worker")
"""Arguments of a complete worker that leaves nothing undone when it exits, however long that takes."""

PROGRAM = ("-m", "bench.alone")
"""Arguments of a worker without sagas and policies: orders advance only by the test's commands."""


def without(mechanism: str, *program: str) -> tuple[str, ...]:
    """Return the arguments that run the program, or a test's own, with one mechanism switched off."""
    return ("-m", "tests.support.workers.without", mechanism, *program)


class Worker:
    """One `foldstream worker`: its process, which may be started again, and the log of all its processes."""

    def __init__(self, name: str, directory: Path, environment: dict[str, str], program: tuple[str, ...]) -> None:
        self.name = name
        self.program = program
        self.starts = 0
        self.datadir = directory / name
        self._log = directory / f"{name}.log"
        self.environment = {**os.environ, "FOLDSTREAM_DATADIR": str(self.datadir), **environment}
        """Environment of the process that is started next."""
        self.start()

    def start(self) -> None:
        """Start a process. The one before must have ended."""
        self.starts += 1
        self._began_at = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.program], env=self.environment, stdout=log, stderr=log)

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(which)

    @property
    def url(self) -> str:
        """URL at which the worker serves HTTP, once it has logged it."""
        return str(re.findall(r"HTTP at (http://\S+)", self.said)[-1])

    @property
    def serves(self) -> bool:
        """True once the last process has logged where it serves HTTP."""
        return "HTTP at" in self._said_last

    @property
    def assignments(self) -> list[frozenset[int]]:
        """Partitions of each generation, as the worker has logged them."""
        return _assignments(self.said)

    @property
    def owned(self) -> frozenset[int]:
        """Partitions last assigned to the present process. None before the first assignment, or without a process."""
        told = [] if self.ended else _assignments(self._said_last)
        return told[-1] if told else frozenset()

    @property
    def opened(self) -> set[str]:
        """Tasks and views that the present process has logged as open."""
        return set(re.findall(r"((?:task|view) \d+) is open", self._said_last))

    @property
    def ended(self) -> bool:
        """True if there is no process."""
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        """Everything logged so far."""
        return self._log.read_text()

    @property
    def last_words(self) -> str:
        """Reason of the last process's exit, as it logged it."""
        found = re.findall(r"CRITICAL (.*)", self._said_last)
        return found[-1] if found else "without a word"

    @property
    def _said_last(self) -> str:
        """Log of the last process."""
        return self._log.read_bytes()[self._began_at :].decode(errors="replace")

    async def exit_code(self, within_s: float) -> int:
        """Return the exit code of the process, which must end within this time (seconds)."""
        await until(lambda: self.ended, within_s)
        return self.process.wait()

    def destroy(self) -> None:
        """Kill the process, also a stopped one."""
        if not self.ended:
            self.signal(signal.SIGKILL)
        self.process.wait()

    async def supervise(self) -> None:
        """Start the process again whenever it ends, as a supervisor does."""
        while True:
            await until(lambda: self.ended, within_s=600)
            self.start()


def _assignments(said: str) -> list[frozenset[int]]:
    told = re.findall(r"generation \d+: partitions (?:\[([\d, ]*)\]|none)", said)
    return [frozenset(int(number) for number in numbers.split(", ") if number) for numbers in told]
