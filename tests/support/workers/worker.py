"""Workers as an operator runs them: processes of their own, with a log each."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support.waiting import until

WHOLE = ("-m", "app", "worker")
"""What an operator runs."""

UNHURRIED = ("-m", "tests.support.workers.unhurried", "worker")
"""The same, and nothing is left undone when it ends because that would take too long."""

PROGRAM = ("-m", "bench.alone")
"""The same without who follows orders: they go no further than the test takes them."""


def without(mechanism: str, *program: str) -> tuple[str, ...]:
    """The program, or a test's own, with one mechanism switched off."""
    return ("-m", "tests.support.workers.without", mechanism, *program)


class Worker:
    """One `foldstream worker`: its process, which may be started again, and what all its processes logged."""

    def __init__(self, name: str, directory: Path, environment: dict[str, str], program: tuple[str, ...]) -> None:
        self.name = name
        self.program = program
        self.starts = 0
        self.datadir = directory / name
        self._log = directory / f"{name}.log"
        self.environment = {**os.environ, "FOLDSTREAM_DATADIR": str(self.datadir), **environment}
        """That of the process which is started next."""
        self.start()

    def start(self) -> None:
        """Start a process; the one before must have ended."""
        self.starts += 1
        self._began_at = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([sys.executable, *self.program], env=self.environment, stdout=log, stderr=log)

    def signal(self, which: signal.Signals) -> None:
        """Send a signal to the process."""
        self.process.send_signal(which)

    @property
    def url(self) -> str:
        """Where it serves HTTP, once it has said so."""
        return str(re.findall(r"HTTP at (http://\S+)", self.said)[-1])

    @property
    def serves(self) -> bool:
        """True once the process that was started last has said where it serves HTTP."""
        return "HTTP at" in self._said_last

    @property
    def assignments(self) -> list[frozenset[int]]:
        """The partitions of each generation, as the worker told them."""
        return _assignments(self.said)

    @property
    def owned(self) -> frozenset[int]:
        """The partitions that its present process was assigned last; none before it was, or when there is no process."""
        told = [] if self.ended else _assignments(self._said_last)
        return told[-1] if told else frozenset()

    @property
    def opened(self) -> set[str]:
        """The tasks and views that its present process has said are open."""
        return set(re.findall(r"((?:task|view) \d+) is open", self._said_last))

    @property
    def ended(self) -> bool:
        """True when there is no process."""
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        """Everything logged so far."""
        return self._log.read_text()

    @property
    def last_words(self) -> str:
        """Why the process that was started last ended of itself, as it said."""
        found = re.findall(r"CRITICAL (.*)", self._said_last)
        return found[-1] if found else "without a word"

    @property
    def _said_last(self) -> str:
        """What the process that was started last has logged."""
        return self._log.read_bytes()[self._began_at :].decode(errors="replace")

    async def exit_code(self, within_s: float) -> int:
        """How the process ends, which it must do within this time (seconds)."""
        await until(lambda: self.ended, within_s)
        return self.process.wait()

    def destroy(self) -> None:
        """End the process by force, also a stopped one."""
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
