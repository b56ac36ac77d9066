"""Rows of one task on disk: a RocksDB store that is never ahead of the changelog (KIP-892 describes the problem).

Rows, and the changelog offset that they reflect, are written in one batch after the commit, without a write-ahead log: the changelog is that log. After a
crash, the store may be older than the changelog, but never newer, and it is always consistent.
"""

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import cast

import msgspec
from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch, WriteBufferManager, WriteOptions

from app.errors import FoldstreamError
from app.streams.errors import StateStoreError

log = logging.getLogger(__name__)

Change = tuple[bytes, bytes | None]
"""Key of a row and its new value; None deletes it."""

CHECKPOINT_KEY = b"\xff"
"""Key of the store's own row, outside of every table."""

_MIB = 1 << 20
_CACHE = Cache(24 * _MIB)
_BUFFERS = WriteBufferManager(32 * _MIB, False)  # noqa: FBT003 (rocksdict takes it by position: no stalling)
_UNLOGGED = WriteOptions()
_UNLOGGED.disable_wal = True  # type: ignore[assignment, method-assign]  # the stubs call this attribute a method


class StoreCheckpoint(msgspec.Struct, frozen=True):
    """Changelog position that the rows on disk reflect: `cluster_id` and `topic_id` up to `offset_next`, written at `written_at_s`."""

    cluster_id: str
    topic_id: str
    offset_next: int
    written_at_s: float


class StateStore:
    """Rows of one task. `stored` says which prefix of which changelog they reflect."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path`. rocksdict raises its own exceptions for a damaged one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(path), _options())
        self.stored = self._stored()

    @property
    def disk(self) -> "StateStore":
        """Store that has the rows by their keys on disk."""
        return self

    def prefix(self, prefix: bytes) -> bytes:
        """Return the prefix that the keys of a table's rows have on disk. `prefix` is the one that code sees."""
        return prefix

    def get(self, key: bytes) -> bytes | None:
        """Return the committed value of a row. Raises StateStoreError when the disk does not return it."""
        try:
            value: bytes | None = self._db.get(key)
        except Exception as error:
            raise StateStoreError(str(error)) from error
        return value

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield all rows whose key begins with `prefix`, in the order of keys, from `start` on."""
        for key, value in cast("Iterator[tuple[bytes, bytes]]", self._db.items(from_key=max(prefix, start))):
            if not key.startswith(prefix):
                return
            yield key, value

    def write(self, changes: Iterable[Change], stored: StoreCheckpoint | None = None) -> None:
        """Apply `changes` and the checkpoint, all or nothing. A view task passes no checkpoint: its rows contain its positions."""
        batch = WriteBatch(raw_mode=True)
        for key, value in changes:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if stored is not None:
            batch.put(CHECKPOINT_KEY, msgspec.json.encode(stored))
        try:
            self._db.write(batch, _UNLOGGED)
        except Exception as error:
            raise StateStoreError(str(error)) from error
        self.stored = stored or self.stored

    def drop(self, prefix: bytes) -> None:
        """Delete all rows whose key begins with `prefix`. The last byte of `prefix` has to be below 255."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(prefix, prefix[:-1] + bytes([prefix[-1] + 1]))
        self._db.write(batch, _UNLOGGED)

    def flush(self) -> None:
        """Write everything to disk, so that it survives a kill. Raises StateStoreError when that fails."""
        try:
            self._db.flush()
        except Exception as error:
            raise StateStoreError(str(error)) from error

    def frozen(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return the rows whose key begins with `prefix`, in the order of keys, from a snapshot. Later writes do not change it."""
        rows = cast("Iterator[tuple[bytes, bytes]]", self._db.snapshot().items(from_key=prefix))
        return takewhile(lambda row: row[0].startswith(prefix), rows)

    def close(self) -> None:
        """Flush to disk and release the files. Rows that could not be flushed are in the changelog."""
        try:
            self._db.close()
        except Exception as error:  # noqa: BLE001 (rocksdict raises bare exceptions)
            log.warning("a store was not closed cleanly, it will be brought up to date from the changelog: %s", error)

    def _stored(self) -> StoreCheckpoint | None:
        raw = self.get(CHECKPOINT_KEY)
        return msgspec.json.decode(raw, type=StoreCheckpoint) if raw else None


def now_s() -> float:
    """Return the time of the wall clock (seconds since 1970). It gives a store's age; no decision depends on it."""
    return time.time()


def wipe(path: Path) -> None:
    """Remove a store. The changelog has all of its rows."""
    shutil.rmtree(path, ignore_errors=True)


def _options() -> Options:
    options = Options(raw_mode=True)
    options.create_if_missing(True)  # noqa: FBT003 (rocksdict's own signature)
    table = BlockBasedOptions()
    table.set_block_cache(_CACHE)
    table.set_index_block_restart_interval(16)
    table.set_bloom_filter(10, False)  # noqa: FBT003 (rocksdict's own signature)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_manager(_BUFFERS)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(2)
    return options


NO_ROOM = "there is no room under FOLDSTREAM_DATADIR"
UNDAMAGED = {
    "/LOCK": "it is still open",
    "No space left on device": NO_ROOM,
    "Disk quota exceeded": NO_ROOM,
    "File too large": NO_ROOM,
}
"""RocksDB's texts for errors without damage, and what they mean. An earlier incarnation still has the store open, or the operator has to free space."""


def opened(path: Path, unusable: Callable[[StateStore], str | None]) -> StateStore:
    """Open the store at `path`. An empty one takes its place if it is damaged, or if `unusable` says why it cannot be brought up to date.

    Raises FoldstreamError when it cannot be opened now, but may be later. An exception of `unusable` leaves the store unchanged.
    """
    try:
        store = _open(path)
    except FoldstreamError:
        raise
    except Exception as error:  # noqa: BLE001 (rocksdict raises bare exceptions for every kind of damage)
        return _afresh(path, f"it is damaged: {error}")
    try:
        why = unusable(store)
    except BaseException:
        store.close()
        raise
    if why is None:
        return store
    store.close()
    return _afresh(path, why)


def _afresh(path: Path, why: str) -> StateStore:
    log.warning("the store %s is wiped and filled again from Kafka: %s", path.name, why)
    wipe(path)
    return _open(path)


def _open(path: Path) -> StateStore:
    try:
        return StateStore(path)
    except Exception as error:
        why = next((why for said, why in UNDAMAGED.items() if said in str(error)), None)
        if why is None:
            raise
        raise FoldstreamError(f"the store {path.name} cannot be opened, {why}: {error}") from error
