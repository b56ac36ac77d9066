"""Store of the generations of a view's read models: the one that each model serves, and the others on disk.

The rows of a generation are those of the model's own tables, and its share of the tables that all models have: positions and parked records. The live
generation's share is stored under the names of those tables, so that code for all models finds it together; the shares of other generations are detached.
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
    """Return the name of a table in a generation of a read model. No other table's name begins with it and NUL."""
    return b"%b@%b.%d" % (table, agent.encode(), number)


class GenerationView(StateStore):
    """View of an open store in which each table's name stands for one generation. `close` closes the store."""

    def __init__(self, store: StateStore, names: dict[bytes, bytes | None]) -> None:
        """`names` maps all tables to their names on disk, and may change. None stands for hidden rows."""
        self.names = names
        self.whole = store
        self.stored = None

    @property
    def disk(self) -> StateStore:
        """Store underneath."""
        return self.whole

    def prefix(self, prefix: bytes) -> bytes:
        """Return the key prefix of a table's rows in this generation; raise ReadModelUnavailable if other code projected them."""
        return self._key(prefix)

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a row; raise ReadModelUnavailable if other code projected it."""
        return self.whole.get(self._key(key))

    def scan(self, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key begins with `prefix`. Without a table in it, yield all rows, by their keys on disk."""
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
"""Tables in which every read model has rows."""


class GenerationStore:
    """Generations of one incarnation of a view. `live` is the store as it is served; `unshown` are the agents of hidden read models."""

    def __init__(self, store: StateStore, models: Sequence[ReadModel]) -> None:
        """`store` is a store on disk, with an identity or empty."""
        self._store = store
        self._models = {model.agent: model for model in models}
        self._names: dict[bytes, bytes | None] = {table.name.encode(): table.name.encode() for table in SHARED}
        self.live = GenerationView(store, self._names)
        self.unshown: set[str] = set()
        self._of: dict[str, Generations] = {}

    def begin(self) -> None:
        """Make the first generation of all models live, on an empty disk."""
        for agent, model in self._models.items():
            self.change(agent, Generations().begun(model.fingerprint))

    def open(self) -> None:
        """Open the generations on disk. Hide rows that other code projected, and models without rows, until they are built."""
        for agent, model in self._models.items():
            self._of[agent] = before = generations.committed(self._store, agent) or Generations()
            after = before.opened(model.fingerprint)
            moved = self.brought_in if after.shows(model.fingerprint) else self.set_aside
            self.change(agent, after, moved(agent, before.live.number) if before.live else [])

    def of(self, agent: str) -> Generations:
        """Return the generations of a model."""
        return self._of[agent]

    def fingerprint(self, agent: str) -> str:
        """Return the fingerprint of a model's code."""
        return self._models[agent].fingerprint

    def change(self, agent: str, after: Generations, changes: Sequence[Change] = ()) -> None:
        """Change the generations of a model, with these changes of rows, in one write. Rows of generations that are dropped are deleted first."""
        before = self._of.get(agent, Generations())
        for number in before.numbers - after.numbers:
            self._drop(agent, number)
        if after != before or changes:
            self._store.write([*changes, (generations.prefix + agent.encode(), generations.encode(after))])
        self._show(agent, after)

    def keep(self) -> None:
        """Flush the store, and return once all changes survive a kill."""
        self._store.flush()

    def built(self, agent: str, number: int) -> GenerationView:
        """Return the store as seen by code that projects into this generation. It contains no other rows."""
        own = [table.name.encode() for table in (*tables(self._models[agent]), *SHARED)]
        return GenerationView(self._store, {name: named(name, agent, number) for name in own})

    def set_aside(self, agent: str, number: int) -> list[Change]:
        """Return the changes that detach the live generation: they move its rows out of the shared tables. Empty if that was done."""
        return [
            change
            for table, beginning in ((positions, f"{agent}/"), (parking.waiting, f"{agent}\0"), (parking.parked, ""))
            for key, value in self._rows(table.prefix, beginning.encode())
            if table is not parking.parked or key.endswith(f"\0{agent}".encode())
            for change in ((table.prefix + key, None), (_aside(table, agent, number) + key, value))
        ]

    def brought_in(self, agent: str, number: int) -> list[Change]:
        """Return the changes that attach a generation: they move its rows into the shared tables."""
        return [
            change
            for table in SHARED
            for key, value in self._rows(_aside(table, agent, number))
            for change in ((_aside(table, agent, number) + key, None), (table.prefix + key, value))
        ]

    def parked(self, agent: str, number: int | None) -> dict[str, ParkedRecord]:
        """Return the parked records of a model by key: those of the live generation if `number` is None, else those of a detached one."""
        store = self.live if number is None else self.built(agent, number)
        return {key: row for key, row in parking.parked.rows(store) if row.agent == agent}

    def frozen(self, agent: str, number: int) -> list[tuple[str, Rows]]:
        """Return a snapshot of a generation's rows by table. Later writes do not change it."""
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
    """Return the tables of a read model, sorted by name. They are its attributes; a table that is not an attribute cannot be used."""
    return sorted((table for table in vars(model).values() if isinstance(table, Table)), key=lambda table: table.name)


def _aside(table: Table[Any], agent: str, number: int) -> bytes:
    return named(table.name.encode(), agent, number) + b"\0"


def _bare(rows: Iterator[tuple[bytes, bytes]], prefix: bytes) -> Rows:
    return ((key.removeprefix(prefix), value) for key, value in rows)
