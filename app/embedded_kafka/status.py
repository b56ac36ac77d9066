"""Status file of a broker, beside its data, which names its process."""

from pathlib import Path
from typing import Annotated

import msgspec

from app.embedded_kafka import process
from app.embedded_kafka.home import BrokerFiles
from app.settings import Settings

Pid = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Status(msgspec.Struct, frozen=True):
    """Process of a broker, and the port on which it serves clients."""

    pid: Pid
    port: Port

    @classmethod
    def read(cls, path: Path) -> "Status | None":
        """Read the status at `path`. Return None if the file is missing or damaged."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def write(self, path: Path) -> None:
        """Write the status to `path` atomically: readers see the old file or the new one."""
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(path)


def running_in(home: BrokerFiles) -> Status | None:
    """Return the broker that runs on the data in `home`, no matter which process started it, or None."""
    known = Status.read(home.running)
    return known if known and process.runs(known.pid, home.command) else None


def located(chosen: Settings) -> Settings:
    """Return the settings with the port on which the embedded broker of the data directory runs, if it runs. A program connects with these."""
    return chosen.model_copy(update={"kafka_port": port_of(chosen.home, chosen.kafka_port)}) if chosen.embedded else chosen


def port_of(home: BrokerFiles, otherwise: int) -> int:
    """Return the port on which the broker of `home` serves clients, or `otherwise` if it does not run."""
    found = running_in(home)
    return found.port if found else otherwise
