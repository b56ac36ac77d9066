"""The embedded Kafka: the real broker in KRaft mode, a detached process per data directory."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.errors import FoldstreamError
from app.kafka import probe, process, properties
from app.kafka.home import Home, exclusive, last_lines
from app.kafka.jars import Jars, Progress
from app.kafka.java import Java

START_S = 90.0
"""After this long a broker that does not answer counts as failed (seconds)."""

STOP_S = 30.0
"""A broker that has not ended this long after being asked to is killed (seconds)."""

_POLL_S = 0.1


class Status(msgspec.Struct, frozen=True):
    """A running broker."""

    pid: int
    port: int


class EmbeddedKafka:
    """The broker of one data directory; any number of processes may start, stop and ask for it."""

    def __init__(self, datadir: Path, port: int, java: Path | None = None, jars: Jars | None = None) -> None:
        """`port` is the broker's, its controller takes the next one; nothing is started yet."""
        self.home = Home(datadir.resolve() / "kafka")
        self.port = port
        self._java = java
        self._jars = jars or Jars()

    @property
    def bootstrap(self) -> str:
        """The bootstrap list for clients."""
        return f"{properties.HOST}:{self.port}"

    def start(self, progress: Progress = lambda _: None) -> bool:
        """Return once the broker answers clients: True if this call started it, False if it ran already. FoldstreamError says what is in the way."""
        with exclusive(self.home.root):
            found = self.status()
            if found is None:
                self._launch(progress)
            self._await_answer(found or self._known(), progress)
            return found is None

    def stop(self) -> None:
        """End the broker cleanly, or by force if it takes too long; nothing happens when none runs."""
        with exclusive(self.home.root):
            self._end()

    def kill(self) -> None:
        """End the broker as a crash would (SIGKILL), for tests of what survives that."""
        if (running := self.status()) is not None:
            process.kill(running.pid)

    def status(self) -> Status | None:
        """The running broker of this data directory, whoever started it; None when there is none."""
        known = self._known()
        return known if known and process.runs(known.pid, self._words) else None
