"""Rows that a task works on: the changes of the open transaction, above the committed rows.

Only the task sees an uncommitted row. An abort drops the overlay; a commit moves it into the store.
"""

from typing import TYPE_CHECKING, Any

from app.streams.state.store import Change, StateStore, StoreCheckpoint

if TYPE_CHECKING:
    from app.streams.state.table import Table

CACHED = 5_000
"""Most decoded committed rows that are kept in memory. The cache is cleared when it is full."""


class RowOverlay:
    """Decoded rows by their keys on disk. A read looks into the overlay first, then into the cache of committed rows, then into the store."""

    def __init__(self, store: StateStore) -> None:
        self.store = store
        self._read = store.disk.get
        self._prefixes: dict[Table[Any], bytes] = {}
        self._overlay: dict[bytes, tuple[Table[Any] | None, Any]] = {}
        self._packed: dict[bytes, bytes | None] = {}
        self._committed: dict[bytes, Any] = {}
        self._undo: list[tuple[bytes, tuple[Table[Any] | None, Any] | None]] = []
        """Previous entry of the overlay for each change since `pack`."""
        self._mark = 0

    def get(self, table: "Table[Any]", key: str) -> Any:  # noqa: ANN401 (the table knows the type)
        """Return the row as this transaction sees it, or None."""
        full = (self._prefixes.get(table) or self._prefix(table)) + key.encode()
        changed = self._overlay.get(full)
        if changed is not None:
            return changed[1]
        if full in self._committed:
            return self._committed[full]
        return self._load(table, full)

    def put(self, table: "Table[Any]", key: str, row: Any) -> None:  # noqa: ANN401 (the table knows the type)
        """Change a row in this transaction; None deletes it. Rows are values: never change one in place."""
        full = (self._prefixes.get(table) or self._prefix(table)) + key.encode()
        self._undo.append((full, self._overlay.get(full)))
        self._overlay[full] = (table, row)

    def delete(self, full: bytes) -> None:
        """Delete a row by its key on disk, whatever its table, even one that is no longer declared."""
        self._committed.pop(full, None)
        self._undo.append((full, self._overlay.get(full)))
        self._overlay[full] = (None, None)

    @property
    def changed(self) -> bool:
        """Whether this transaction changed a row."""
        return bool(self._overlay)

    def mark(self) -> None:
        """Set a savepoint, to which `rollback` returns."""
        self._mark = len(self._undo)

    def rollback(self) -> None:
        """Roll back to the savepoint: a record that failed leaves nothing behind."""
        for full, before in reversed(self._undo[self._mark :]):
            if before is None:
                del self._overlay[full]
            else:
                self._overlay[full] = before
        del self._undo[self._mark :]

    def pack(self) -> None:
        """Encode the changes while they are still in the processor's cache. No `rollback` undoes them any more."""
        for full, _ in self._undo:
            table, row = self._overlay[full]
            self._packed[full] = None if table is None or row is None else table.encode(row)
        self._undo.clear()
        self._mark = 0

    def changes(self) -> list[Change]:
        """Return the changes of this transaction, by keys on disk."""
        self.pack()
        return list(self._packed.items())

    def commit(self, changes: list[Change], stored: StoreCheckpoint | None = None) -> None:
        """Write the changes to the store and make them the committed rows. The transaction is in the log already, or its rows follow from the log alone."""
        self.store.disk.write(changes, stored)
        if len(self._committed) + len(self._overlay) > CACHED:
            self._committed.clear()
        self._committed.update({full: row for full, (table, row) in self._overlay.items() if table is not None and table.cached})
        self.drop()

    def drop(self) -> None:
        """Discard the changes: the transaction is not in the log, or the store has them already."""
        self._overlay.clear()
        self._packed.clear()
        self._undo.clear()
        self._mark = 0

    def forget(self) -> None:
        """Clear the cache, because the committed rows were replaced."""
        self._committed.clear()
        self._prefixes.clear()

    def _prefix(self, table: "Table[Any]") -> bytes:
        found = self._prefixes[table] = self.store.prefix(table.prefix)
        return found

    def _load(self, table: "Table[Any]", full: bytes) -> Any:  # noqa: ANN401 (the table knows the type)
        raw = self._read(full)
        row = None if raw is None else table.decode(raw)
        if row is not None and table.cached:  # a row that is missing is written next, and read again seldom
            self._cache(full, row)
        return row

    def _cache(self, full: bytes, row: Any) -> None:  # noqa: ANN401 (the table knows the type)
        if len(self._committed) >= CACHED:
            self._committed.clear()
        self._committed[full] = row
