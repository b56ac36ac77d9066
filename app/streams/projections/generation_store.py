"""Which generation of each read model a view shows, and what is on disk of the others.

The rows of a generation are those of the model's own tables, and its share of what all models have: positions, and what is parked. Of these the live
generation's stand under the tables' own names, so that whoever works on all models finds them together; those of others are set aside.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

from app.streams.errors import ReadModelUnavailable
from app.streams.parking import rows as parking
from app.streams.parking.record import ParkedRecord
from app.streams.projections.generations import Generations, generations
from app.streams.state.positions import positions
from app.streams.state.store import Change, StateStore, StoreCheckpoint
from app.streams.state.table import Table
from app.streams.topology import ReadModel

NUL = b"\0"


def named(table: bytes, agent: str, number: int) -> bytes:
    """The name of a table in a generation of a read model; that of no other table begins with it and NUL."""
    return b"%b@%b.%d" % (table, agent.encode(), number)


class GenerationView(StateStore):
    """A store that is open already; `close` closes that."""

    def __init__(self, store: StateStore, names: dict[bytes, bytes | None]) -> None:
        """`names` are those of all tables there are, and may change; None stands for rows that nobody may see."""
        self.names = names
        self.whole = store
        self.stored = None

    @property
    def disk(self) -> StateStore:
        """The store underneath."""
        return self.whole

    def prefix(self, prefix: bytes) -> bytes:
        """How the keys of a table's rows begin in this generation; ReadModelUnavailable when other code folded them."""
        return self._key(prefix)

    def get(self, key: bytes) -> bytes | None:
        """The value of a row; ReadModelUnavailable when other code folded it."""
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

    def write(self, changes: Iterable[Change], stored: StoreCheckpoint | None = None) -> None:
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
            raise ReadModelUnavailable(table.decode())
        return name + NUL + row


Rows = Generator[tuple[bytes, bytes], None, None]
"""Keys and values."""

SHARED: tuple[Table[Any], ...] = (positions, parking.parked, parking.waiting)
"""The tables in which every read model has rows."""


class GenerationStore:
    """One opening's: `live` is the store as it is shown; models of whose rows none may be seen are `unshown`."""

    def __init__(self, store: StateStore, models: Sequence[ReadModel]) -> None:
        """A store on disk, signed or empty."""
        self._store = store
        self._models = {model.agent: model for model in models}
        self._names: dict[bytes, bytes | None] = {table.name.encode(): table.name.encode() for table in SHARED}
        self.live = GenerationView(store, self._names)
        self.unshown: set[str] = set()
        self._of: dict[str, Generations] = {}

    def begin(self) -> None:
        """On an empty disk: all models begin to be shown at once."""
        for agent, model in self._models.items():
            self.change(agent, Generations().begun(model.fingerprint))

    def open(self) -> None:
        """What other code folded, or nobody yet, is not shown until it is built."""
        for agent, model in self._models.items():
            self._of[agent] = before = generations.committed(self._store, agent) or Generations()
            after = before.opened(model.fingerprint)
            moved = self.brought_in if after.shows(model.fingerprint) else self.set_aside
            self.change(agent, after, moved(agent, before.live.number) if before.live else [])

    def of(self, agent: str) -> Generations:
        """Those of a model."""
        return self._of[agent]

    def fingerprint(self, agent: str) -> str:
        """That of the code."""
        return self._models[agent].fingerprint

    def change(self, agent: str, after: Generations, changes: Sequence[Change] = ()) -> None:
        """Go over to other generations, with these changes of rows on disk, in one write; what is in none any more goes before."""
        before = self._of.get(agent, Generations())
        for number in before.numbers - after.numbers:
            self._drop(agent, number)
        if after != before or changes:
            self._store.write([*changes, (generations.prefix + agent.encode(), generations.encode(after))])
        self._show(agent, after)

    def keep(self) -> None:
        """Return once all of this outlives a kill."""
        self._store.flush()

    def built(self, agent: str, number: int) -> GenerationView:
        """The store as code sees it that folds into this generation; it has no other rows."""
        own = [table.name.encode() for table in (*tables(self._models[agent]), *SHARED)]
        return GenerationView(self._store, {name: named(name, agent, number) for name in own})

    def set_aside(self, agent: str, number: int) -> list[Change]:
        """Take what the live generation has in shared tables out of them; nothing when that was done."""
        return [
            change
            for table, beginning in ((positions, f"{agent}/"), (parking.waiting, f"{agent}\0"), (parking.parked, ""))
            for key, value in self._rows(table.prefix, beginning.encode())
            if table is not parking.parked or key.endswith(f"\0{agent}".encode())
            for change in ((table.prefix + key, None), (_aside(table, agent, number) + key, value))
        ]

    def brought_in(self, agent: str, number: int) -> list[Change]:
        """The other way round."""
        return [
            change
            for table in SHARED
            for key, value in self._rows(_aside(table, agent, number))
            for change in ((_aside(table, agent, number) + key, None), (table.prefix + key, value))
        ]

    def parked(self, agent: str, number: int | None) -> dict[str, ParkedRecord]:
        """The open records of a model by their keys: those of the live generation, or of one that is aside."""
        store = self.live if number is None else self.built(agent, number)
        return {key: row for key, row in parking.parked.rows(store) if row.agent == agent}

    def frozen(self, agent: str, number: int) -> list[tuple[str, Rows]]:
        """The rows of a generation as they are now, by table, whatever is written meanwhile."""
        found = [(table.name, _aside(table, agent, number)) for table in tables(self._models[agent])]
        return [(name, _bare(self._store.frozen(prefix), prefix)) for name, prefix in found]

    def _rows(self, prefix: bytes, beginning: bytes = b"") -> Rows:
        return _bare(self._store.scan(prefix + beginning), prefix)

    def _drop(self, agent: str, number: int) -> None:
        for table in [*tables(self._models[agent]), *SHARED]:
            self._store.drop(_aside(table, agent, number))

    def _show(self, agent: str, after: Generations) -> None:
        self._of[agent] = after
        shown = after.shows(self._models[agent].fingerprint)
        (self.unshown.discard if shown else self.unshown.add)(agent)
        for table in tables(self._models[agent]):
            name = table.name.encode()
            self._names[name] = named(name, agent, after.live.number) if shown and after.live is not None else None


def tables(model: ReadModel) -> list[Table[Any]]:
    """All that a read model has as attributes, in the order of names: one that it does not have there it cannot use."""
    return sorted((table for table in vars(model).values() if isinstance(table, Table)), key=lambda table: table.name)


def _aside(table: Table[Any], agent: str, number: int) -> bytes:
    return named(table.name.encode(), agent, number) + b"\0"


def _bare(rows: Iterator[tuple[bytes, bytes]], prefix: bytes) -> Rows:
    return ((key.removeprefix(prefix), value) for key, value in rows)
