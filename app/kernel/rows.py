"""The rows a task works on: what the open transaction changed, above what is committed.

Nobody but the task sees an uncommitted row. An abort drops the overlay; a commit moves it into the store.
"""

from typing import TYPE_CHECKING, Any

from app.kernel.store import Change, Store, Stored

if TYPE_CHECKING:
    from app.kernel.table import Table

_ANY: Any = None
"""Stands for the table of a row that is only deleted."""

CACHED = 20_000
"""Decoded committed rows kept in memory; beyond it the cache starts afresh."""


class Rows:
    """Decoded rows by full key (table, NUL, key): overlay first, then the cache of committed ones, then the store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._overlay: dict[bytes, tuple[Any, Any]] = {}
        self._committed: dict[bytes, Any] = {}
        self._undo: list[tuple[bytes, tuple[Any, Any] | None]] = []

    def get(self, table: "Table[Any]", key: bytes) -> Any:  # noqa: ANN401 (the table knows the type)
        """The row as this transaction sees it, or None."""
        changed = self._overlay.get(key)
        if changed is not None:
            return changed[1]
        if key in self._committed:
            return self._committed[key]
        return self._load(table, key)

    def put(self, table: "Table[Any]", key: bytes, row: Any) -> None:  # noqa: ANN401 (the table knows the type)
        """Change a row in this transaction; None deletes it. Rows are values: never change one in place."""
        self._undo.append((key, self._overlay.get(key)))
        self._overlay[key] = (table, row)

    def delete(self, key: bytes) -> None:
        """Delete a row by its full key, whatever table it is of (a table that is no longer declared, too)."""
        self._committed.pop(key, None)
        self.put(_ANY, key, None)

    @property
    def changed(self) -> bool:
        """True when this transaction changed a row."""
        return bool(self._overlay)

    def mark(self) -> None:
        """From here on `rollback` undoes."""
        self._undo.clear()

    def rollback(self) -> None:
        """Undo the changes since `mark`: a record that failed leaves nothing behind."""
        for key, before in reversed(self._undo):
            if before is None:
                del self._overlay[key]
            else:
                self._overlay[key] = before
        self._undo.clear()

    def changes(self) -> list[Change]:
        """What this transaction changed, each row encoded once."""
        return [(key, None if row is None else table.encode(row)) for key, (table, row) in self._overlay.items()]

    def commit(self, changes: list[Change], stored: Stored | None = None) -> None:
        """The transaction is in the log, or its rows follow from the log alone: they become the committed ones."""
        self.store.write(changes, stored)
        if len(self._committed) + len(self._overlay) > CACHED:
            self._committed.clear()
        self._committed.update((key, row) for key, (table, row) in self._overlay.items() if table is not _ANY and table.cached)
        self.drop()

    def drop(self) -> None:
        """The transaction is not in the log: forget what it changed."""
        self._overlay.clear()
        self._undo.clear()

    def forget(self) -> None:
        """The committed rows are others now."""
        self._committed.clear()

    def _load(self, table: "Table[Any]", key: bytes) -> Any:  # noqa: ANN401 (the table knows the type)
        raw = self.store.get(key)
        row = None if raw is None else table.decode(raw)
        if table.cached:
            self._cache(key, row)
        return row

    def _cache(self, key: bytes, row: Any) -> None:  # noqa: ANN401 (the table knows the type)
        if len(self._committed) >= CACHED:
            self._committed.clear()
        self._committed[key] = row
