"""Where one embedded broker keeps its files, and the lock under which it is started and stopped."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.errors import FoldstreamError


@dataclass(frozen=True)
class BrokerFiles:
    """The folder `kafka` of a data directory; `root` is absolute."""

    root: Path

    @classmethod
    def of(cls, datadir: Path) -> Self:
        """The home in a data directory, whether anything is there or not."""
        return cls(datadir.resolve() / "kafka")

    @property
    def command(self) -> list[str]:
        """How the command line of the broker's process ends; no other process has it."""
        return ["kafka.Kafka", str(self.properties)]

    @property
    def records(self) -> Path:
        """Kafka's own data: topics and cluster metadata."""
        return self.root / "records"

    @property
    def properties(self) -> Path:
        """The broker's configuration, written anew at every start."""
        return self.root / "server.properties"

    @property
    def running(self) -> Path:
        """Says which process the broker is; absent when none was started."""
        return self.root / "running.json"

    @property
    def log(self) -> Path:
        """What the broker logs (bounded, see log4j2.xml)."""
        return self.root / "broker.log"

    @property
    def console(self) -> Path:
        """What the Java process itself prints: why it could not start."""
        return self.root / "console.log"

    def cluster_id(self) -> str | None:
        """The id the storage was formatted with, None before that (Kafka writes this file last)."""
        meta = self.records / "meta.properties"
        lines = meta.read_text(encoding="utf-8").splitlines() if meta.exists() else []
        return next((line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id=")), None)


def made(folder: Path, variable: str) -> Path:
    """The folder, made if absent; FoldstreamError, naming the environment variable that it follows from, if it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FoldstreamError(f"the folder {folder} cannot be made ({error.strerror}): set {variable} to one that can") from error
    return folder


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` against every other process; waits for it. A process that dies lets go."""
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a text file; none if there is no such file."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:] if path.exists() and count else []
