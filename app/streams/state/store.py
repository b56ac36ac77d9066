"""The rows of one task on disk: a RocksDB that is never ahead of the changelog (KIP-892 names the problem).

Rows, and the changelog offset they stand for, are written in one batch after the commit, without a write-ahead log:
the changelog is that log. After a crash the store is older than the changelog, never newer, and always consistent.
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
"""A row's key and its new value; None deletes it."""

CHECKPOINT_KEY = b"\xff"
"""The store's own row, outside of every table."""

_MIB = 1 << 20
_CACHE = Cache(24 * _MIB)
_BUFFERS = WriteBufferManager(32 * _MIB, False)  # noqa: FBT003 (rocksdict takes it by position: no stalling)
_UNLOGGED = WriteOptions()
_UNLOGGED.disable_wal = True  # type: ignore[assignment, method-assign]  # the stubs call this attribute a method


class StoreCheckpoint(msgspec.Struct, frozen=True):
    """What the rows on disk stand for: the changelog of `cluster_id` and `topic_id` up to `offset_next`, written at `written_at_s`."""

    cluster_id: str
    topic_id: str
    offset_next: int
    written_at_s: float


class StateStore:
    """One task's rows; `stored` says which prefix of which changelog they are."""

    def __init__(self, path: Path) -> None:
        """Open or create the database at `path`; rocksdict raises what it finds wrong with a damaged one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = Rdict(str(path), _options())
        self.stored = self._stored()

    @property
    def disk(self) -> "StateStore":
        """The store that has the rows by their keys on disk."""
        return self

    def prefix(self, prefix: bytes) -> bytes:
        """How the keys on disk of a table's rows begin, of which those that code sees begin with `prefix`."""
        return prefix

    def get(self, key: bytes) -> bytes | None:
        """The committed value of a row; StateStoreError when the disk does not give it."""
        try:
            value: bytes | None = self._db.get(key)
        except Exception as error:
            raise StateStoreError(str(error)) from error
        return value

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """All rows whose key begins with `prefix`, in order of keys, from `start` on."""
        for key, value in cast("Iterator[tuple[bytes, bytes]]", self._db.items(from_key=max(prefix, start))):
            if not key.startswith(prefix):
                return
            yield key, value

    def write(self, changes: Iterable[Change], stored: StoreCheckpoint | None = None) -> None:
        """Apply `changes` and what they stand for, all or nothing; a view's rows say that themselves."""
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
        """Delete all rows whose key begins with `prefix`, the last byte of which is below 255."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(prefix, prefix[:-1] + bytes([prefix[-1] + 1]))
        self._db.write(batch, _UNLOGGED)

    def flush(self) -> None:
        """Return once what was written so far outlives a kill."""
        try:
            self._db.flush()
        except Exception as error:
            raise StateStoreError(str(error)) from error

    def frozen(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The rows whose key begins with `prefix`, in order of keys, as they are now, whatever is written meanwhile."""
        rows = cast("Iterator[tuple[bytes, bytes]]", self._db.snapshot().items(from_key=prefix))
        return takewhile(lambda row: row[0].startswith(prefix), rows)

    def close(self) -> None:
        """Flush to disk and release the files; what could not be flushed is in the changelog."""
        try:
            self._db.close()
        except Exception as error:  # noqa: BLE001 (rocksdict raises bare exceptions)
            log.warning("a store was not closed cleanly, it will be brought up to date from the changelog: %s", error)

    def _stored(self) -> StoreCheckpoint | None:
        raw = self.get(CHECKPOINT_KEY)
        return msgspec.json.decode(raw, type=StoreCheckpoint) if raw else None


def now_s() -> float:
    """The wall clock, by which a store's age is judged (never a decision)."""
    return time.time()


def wipe(path: Path) -> None:
    """Remove a store; the changelog has it all."""
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
"""What RocksDB says of a database that is none the worse, and what it means: an earlier opening has not ended yet, or a person has to make room."""


def opened(path: Path, unusable: Callable[[StateStore], str | None]) -> StateStore:
    """The store at `path`; an empty one in its place when it is damaged, or `unusable` says why it cannot be brought up to date.

    FoldstreamError when it cannot be opened now, and may be later; what `unusable` raises leaves it as it is.
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
