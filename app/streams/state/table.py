"""Table that `app.Table(...)` returns. It has a name, and its rows belong to the task that runs the code."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from app.streams.state.current import current_rows
from app.streams.state.store import StateStore

Row = TypeVar("Row")


class Table(Generic[Row]):
    """Mapping from string keys to rows of one type. It is declared once, and reads and writes the rows of the current task.

    Faust creates it through the setting `Table`, and so passes arguments of its own that a transactional table has no use for.
    """

    changelog_topic_name = None

    def __init__(self, app: object, *, name: str, value_type: Any, cached: bool = True, **_faust: object) -> None:  # noqa: ANN401 (a type form, also a union)
        """Declare a table. Decoded rows are kept in memory if `cached`; turn it off for large rows that are seldom read."""
        self.app = app
        self.name = name
        self.value_type = value_type
        self.cached = cached
        self.prefix = name.encode() + b"\0"
        self.encode = msgspec.json.Encoder().encode
        self.decode = msgspec.json.Decoder(value_type).decode

    def get(self, key: str) -> Row | None:
        """Return the row as the open transaction sees it, or None."""
        row: Row | None = current_rows.get().get(self, key)
        return row

    def committed(self, store: StateStore, key: str) -> Row | None:
        """Return the row as the last committed transaction left it, or None. Callers outside of a transaction use it."""
        raw = store.get(self.prefix + key.encode())
        return None if raw is None else self.decode(raw)

    def rows(self, store: StateStore, prefix: str = "", *, start: str = "") -> Iterator[tuple[str, Row]]:
        """Yield the committed rows whose key begins with `prefix`, from the key `start` on, in the order of keys."""
        for key, value in store.scan(self.prefix + prefix.encode(), self.prefix + start.encode()):
            yield key[len(self.prefix) :].decode(), self.decode(value)

    def __getitem__(self, key: str) -> Row:
        row = self.get(key)
        if row is None:
            raise KeyError(key)
        return row

    def __setitem__(self, key: str, row: Row) -> None:
        current_rows.get().put(self, key, row)

    def __delitem__(self, key: str) -> None:
        current_rows.get().put(self, key, None)

    def on_rebalance(self, *_faust: object) -> None:
        """Do nothing: tasks open and close, tables do not."""

    async def stop(self) -> None:
        """Do nothing: the tasks close their stores."""
