"""Files of an embedded broker, and the lock under which it is started and stopped."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.errors import FoldstreamError


@dataclass(frozen=True)
class BrokerFiles:
    """Folder `kafka` of a data directory; `root` is absolute."""

    root: Path

    @classmethod
    def of(cls, datadir: Path) -> Self:
        """Return the broker's files in a data directory, whether they exist or not."""
        return cls(datadir.resolve() / "kafka")

    @property
    def command(self) -> list[str]:
        """End of the broker's command line, which identifies its process."""
        return ["kafka.Kafka", str(self.properties)]

    @property
    def records(self) -> Path:
        """Folder of Kafka's own data: topics and cluster metadata."""
        return self.root / "records"

    @property
    def properties(self) -> Path:
        """Configuration of the broker, rewritten at every start."""
        return self.root / "server.properties"

    @property
    def running(self) -> Path:
        """File that names the broker's process; absent if none was started."""
        return self.root / "running.json"

    @property
    def log(self) -> Path:
        """Log of the broker (bounded, see log4j2.xml)."""
        return self.root / "broker.log"

    @property
    def console(self) -> Path:
        """Output of the Java process itself, such as why it could not start."""
        return self.root / "console.log"

    def cluster_id(self) -> str | None:
        """Return the cluster id of the storage, or None until it is formatted (Kafka writes this file last)."""
        meta = self.records / "meta.properties"
        lines = meta.read_text(encoding="utf-8").splitlines() if meta.exists() else []
        return next((line.removeprefix("cluster.id=") for line in lines if line.startswith("cluster.id=")), None)


def made(folder: Path, variable: str) -> Path:
    """Create the folder if it is absent, and return it. Raise FoldstreamError, which names the environment variable that sets it, if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FoldstreamError(f"the folder {folder} cannot be made ({error.strerror}): set {variable} to one that can") from error
    return folder


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of `folder` against every other process, and wait for it if needed. The death of a process releases its lock."""
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last `count` lines of a text file, none if there is no such file."""
    return path.read_text(encoding="utf-8", errors="replace").splitlines()[-count:] if path.exists() and count else []
