"""The rows of one store by the names that they have in one generation: who reads or folds them need not know which."""

from collections.abc import Iterable, Iterator

from app.streams.errors import NotShown
from app.streams.state.store import Change, Store, Stored

NUL = b"\0"


def named(table: bytes, agent: str, number: int) -> bytes:
    """The name of a table in a generation of a read model; that of no other table begins with it and NUL."""
    return b"%b@%b.%d" % (table, agent.encode(), number)


class GenerationStore(Store):
    """A store that is open already; `close` closes that."""

    def __init__(self, store: Store, names: dict[bytes, bytes | None]) -> None:
        """`names` are those of all tables there are, and may change; None stands for rows that nobody may see."""
        self.names = names
        self.whole = store
        self.stored = None

    @property
    def disk(self) -> Store:
        """The store underneath."""
        return self.whole

    def prefix(self, prefix: bytes) -> bytes:
        """How the keys of a table's rows begin in this generation; NotShown when other code folded them."""
        return self._key(prefix)

    def get(self, key: bytes) -> bytes | None:
        """The value of a row; NotShown when other code folded it."""
        return self.whole.get(self._key(key))

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """The rows whose key begins with `prefix`: without one all of them, by their names on disk."""
        table, nul, _ = prefix.partition(NUL)
        if not nul:
            yield from self.whole.scan(prefix, start)
            return
        length = len(self._key(table + NUL))
        for key, value in self.whole.scan(self._key(prefix), self._key(max(prefix, start))):
            yield table + NUL + key[length:], value

    def write(self, changes: Iterable[Change], stored: Stored | None = None) -> None:
        """Apply changes, all or nothing."""
        self.whole.write([(self._key(key), value) for key, value in changes], stored)

    def close(self) -> None:
        """Close the store underneath."""
        self.whole.close()

    def _key(self, key: bytes) -> bytes:
        table, _, row = key.partition(NUL)
        if table not in self.names:
            raise LookupError(f"no read model has the table {table.decode()!r} as an attribute: it would have the same rows in every generation")
        name = self.names[table]
        if name is None:
            raise NotShown(table.decode())
        return name + NUL + row
