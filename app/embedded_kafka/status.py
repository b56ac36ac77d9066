"""Which process a broker is, as the file beside its data says."""

from pathlib import Path
from typing import Annotated

import msgspec

from app.embedded_kafka import process
from app.embedded_kafka.home import BrokerFiles

Pid = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]


class Status(msgspec.Struct, frozen=True):
    """A broker's process and the port that it serves clients on."""

    pid: Pid
    port: Port

    @classmethod
    def read(cls, path: Path) -> "Status | None":
        """What `write` left at `path`; None if there is no such file, or a damaged one."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def write(self, path: Path) -> None:
        """Leave it at `path`; who reads meanwhile sees the old file or the new one."""
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(path)


def running_in(home: BrokerFiles) -> Status | None:
    """The broker that runs on the data in `home`, whoever started it; None when there is none."""
    known = Status.read(home.running)
    return known if known and process.runs(known.pid, home.command) else None


def port_of(home: BrokerFiles, otherwise: int) -> int:
    """The port on which the broker of `home` serves clients, `otherwise` the one on which it would be started."""
    found = running_in(home)
    return found.port if found else otherwise
