"""Disk map (spill store) of verify. It takes a few megabytes of memory, however long the log is."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch, WriteOptions

HELD_BYTES = 4 << 20
"""Most bytes of values held in memory before they are written."""

HELD_ROWS = 20_000

_BUFFER_BYTES = 8 << 20
_CACHE_BYTES = 16 << 20
_TURN = 1_000


class DiskMap:
    """Map in a RocksDB of its own. Nothing in it survives a crash. Call `close` before the directory is removed.

    Values are JSON, because amounts and versions have no bound in JSON, and MessagePack ends at 64 bits.
    """

    def __init__(self, path: Path) -> None:
        self._db = Rdict(str(path), _options())
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[assignment, method-assign]  # the stubs call this attribute a method
        self._held: dict[bytes, bytes | None] = {}
        self._bytes = 0

    def get(self, key: bytes) -> bytes | None:
        """Return the value that was put last, or None."""
        try:
            return self._held[key]
        except KeyError:
            found: bytes | None = self._db.get(key)
            return found

    def put(self, key: bytes, value: bytes | None) -> None:
        """Store a value, or delete the key if the value is None."""
        self._bytes += len(value or b"") - len(self._held.get(key) or b"")
        self._held[key] = value
        if self._bytes > HELD_BYTES or len(self._held) > HELD_ROWS:
            self._write()

    async def scan(self, prefix: bytes) -> AsyncIterator[tuple[bytes, bytes]]:
        """Yield all rows whose key begins with `prefix`, in order. Nothing may be put meanwhile. Ctrl-C works in between."""
        self._write()
        rows = cast("Iterator[tuple[bytes, bytes]]", self._db.items(from_key=prefix))
        for number, (key, value) in enumerate(rows):
            if not key.startswith(prefix):
                return
            if number % _TURN == 0:
                await asyncio.sleep(0)
            yield key, value

    def close(self) -> None:
        """Release the files."""
        self._db.close()

    def _write(self) -> None:
        batch = WriteBatch(raw_mode=True)
        for key, value in self._held.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        self._db.write(batch, self._unlogged)
        self._held.clear()
        self._bytes = 0


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003 (rocksdict's own signature)
    options.set_write_buffer_size(_BUFFER_BYTES)
    table = BlockBasedOptions()
    table.set_block_cache(Cache(_CACHE_BYTES))
    table.set_bloom_filter(10, False)  # noqa: FBT003 (rocksdict's own signature)
    options.set_block_based_table_factory(table)
    options.set_max_open_files(64)
    return options
