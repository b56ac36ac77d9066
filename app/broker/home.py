"""Where one embedded broker keeps its files, and the lock under which it is started and stopped."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Home:
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


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder`, made if absent, against every other process; waits for it. A process that dies lets go."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a text file; none if there is no such file."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:] if path.exists() and count else []
