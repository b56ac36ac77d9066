"""What lists have in common: a row for each aggregate, and the places of the rows in the order of the list."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from app.domain.read_models import sort_keys as listed
from app.eventsourcing.recorded_event import RecordedEvent, Versioned, upcasts
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table

Row = TypeVar("Row", bound=Versioned)


class ListFold(NamedTuple, Generic[Row]):
    """How rows follow from events of these types, and their places from rows; `reaches` are what these two call in other modules."""

    events: Iterable[str]
    project: Callable[[Row | None, RecordedEvent], Row]
    place: Callable[[Row], str]
    reaches: Sequence[Callable[..., Any]] = ()


class ListProjection(Generic[Row]):
    """A read model of one log: one row for each aggregate, listed at a place."""

    agent: str

    def __init__(self, log: str, rows: Table[Row], places: Table[str], fold: ListFold[Row]) -> None:
        """`log` is followed; `rows` are by id, `places` say whose is at a place."""
        self.events: tuple[str, ...] = (log,)
        functions: list[Callable[..., Any]] = [fold.project, fold.place, *fold.reaches, *upcasts(fold.events), listed.place, type(self), ListProjection]
        self.fingerprint = fingerprint(functions, [msgspec.json.schema(rows.value_type)])
        self._rows = rows
        self._places = places
        self._project = fold.project
        self._place = fold.place

    def before(self, event: RecordedEvent) -> Row | None:
        """The aggregate's row; None when there is none."""
        return self._rows.get(event.aggregate_id)

    def apply(self, before: Row | None, event: RecordedEvent, value: bytes) -> None:
        """Fold an event into the aggregate's row, and list it where that belongs afterwards."""
        del value
        after = self._rows[event.aggregate_id] = self._project(before, event)
        self._move(None if before is None else self._place(before), self._place(after), event.aggregate_id)
        self.changed(before, after)

    def changed(self, before: Row | None, after: Row) -> None:
        """Whatever else follows from it."""

    def committed_row(self, store: StateStore, identity: str) -> Row | None:
        """An aggregate's row; None when there is none."""
        return self._rows.committed(store, identity)

    def committed_version(self, store: StateStore, identity: str) -> int:
        """That of an aggregate's row; 0 when there is none."""
        row = self.committed_row(store, identity)
        return row.version if row else 0

    def committed(self, store: StateStore, headings: Iterable[str], after: str = "") -> Iterator[tuple[str, Row]]:
        """The rows under these headings, each with where it stands below its own, the newest first, from behind a place on."""
        return merge(*(self._under(store, f"{heading}/", after) for heading in headings), key=itemgetter(0))

    def _under(self, store: StateStore, heading: str, after: str) -> Iterator[tuple[str, Row]]:
        for found, identity in self._places.rows(store, heading, start=f"{heading}{after}"):
            row = self._rows.committed(store, identity)
            if row is not None and (below := found.removeprefix(heading)) > after:
                yield below, row

    def _move(self, before: str | None, after: str, identity: str) -> None:
        if before == after:
            return
        if before is not None:
            del self._places[before]
        self._places[after] = identity
