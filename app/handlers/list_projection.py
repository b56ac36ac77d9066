"""Base of lists: a row for each aggregate, and the places of the rows in the order of the list."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from app.eventsourcing import sort_keys as listed
from app.eventsourcing.recorded_event import RecordedEvent, Versioned, upcasts
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table

Row = TypeVar("Row", bound=Versioned)


class ListFold(NamedTuple, Generic[Row]):
    """Functions from events of these types to rows, and from rows to places. `reaches` are the functions that these two call in other modules."""

    events: Iterable[str]
    project: Callable[[Row | None, RecordedEvent], Row]
    place: Callable[[Row], str]
    reaches: Sequence[Callable[..., Any]] = ()


class ListProjection(Generic[Row]):
    """Read model of one log: one row for each aggregate, listed at a place."""

    agent: str

    def __init__(self, log: str, rows: Table[Row], places: Table[str], fold: ListFold[Row]) -> None:
        """Declare a list of the aggregates of `log`. `rows` are by id; `places` have the id of the row at each place."""
        self.events: tuple[str, ...] = (log,)
        functions: list[Callable[..., Any]] = [fold.project, fold.place, *fold.reaches, *upcasts(fold.events), listed.place, type(self), ListProjection]
        self.fingerprint = fingerprint(functions, [msgspec.json.schema(rows.value_type)])
        self._rows = rows
        self._places = places
        self._project = fold.project
        self._place = fold.place

    def before(self, event: RecordedEvent) -> Row | None:
        """Return the aggregate's row; None when there is none."""
        return self._rows.get(event.aggregate_id)

    def apply(self, before: Row | None, event: RecordedEvent, value: bytes) -> None:
        """Project an event into the aggregate's row, and move the row to its new place."""
        del value
        after = self._rows[event.aggregate_id] = self._project(before, event)
        self._move(None if before is None else self._place(before), self._place(after), event.aggregate_id)
        self.changed(before, after)

    def changed(self, before: Row | None, after: Row) -> None:
        """Update what else depends on the row. Subclasses override this method."""

    def committed_row(self, store: StateStore, identity: str) -> Row | None:
        """Return an aggregate's row; None when there is none."""
        return self._rows.committed(store, identity)

    def committed_version(self, store: StateStore, identity: str) -> int:
        """Return the version of an aggregate's row; 0 when there is none."""
        row = self.committed_row(store, identity)
        return row.version if row else 0

    def committed(self, store: StateStore, headings: Iterable[str], after: str = "") -> Iterator[tuple[str, Row]]:
        """Return the rows under these headings after a place, the newest first. Each comes with its place below its heading."""
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
