"""What the auditor has to remember of one partition: on disk, in memory no more than a few megabytes, however long the log is."""

from collections.abc import Iterator
from pathlib import Path

from app.kernel.store import Store

HELD_BYTES = 4 << 20
"""What is held in memory before it is written: keys and values, without Python's own share."""

HELD_ROWS = 20_000


class Scratch:
    """Rows in a RocksDB of their own; `close` before the directory is removed."""

    def __init__(self, path: Path) -> None:
        self._store = Store(path)
        self._held: dict[bytes, bytes | None] = {}
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        """What was put last, or None."""
        try:
            return self._held[key]
        except KeyError:
            return self._store.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Remember; None forgets."""
        self._held[key] = value
        self._bytes += len(key) + len(value or b"")
        if self._bytes > HELD_BYTES or len(self._held) > HELD_ROWS:
            self._write()

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with `prefix`, in order; nothing may be put meanwhile."""
        self._write()
        return self._store.scan(prefix)

    def close(self) -> None:
        """Release the files."""
        self._store.close()

    def _write(self) -> None:
        self._store.write(self._held.items())
        self._held.clear()
        self._bytes = 0
