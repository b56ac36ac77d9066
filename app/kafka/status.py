"""Which process a broker is, as the file beside its data says."""

from pathlib import Path

import msgspec


class Status(msgspec.Struct, frozen=True):
    """A broker's process and the port that it serves clients on."""

    pid: int
    port: int

    @classmethod
    def read(cls, path: Path) -> "Status | None":
        """What `write` left at `path`, None if there is no such file."""
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            return None

    def write(self, path: Path) -> None:
        """Leave it at `path`; who reads meanwhile sees the old file or the new one."""
        draft = path.with_suffix(".draft")
        draft.write_bytes(msgspec.json.encode(self))
        draft.replace(path)
