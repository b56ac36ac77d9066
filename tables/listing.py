"""What lists have in common: rows in the order of the list, and where the row of each aggregate is."""

from collections.abc import Callable, Iterable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from app.domain.recorded import Recorded
from app.domain.views.listed import Listed, place
from app.kernel.fingerprint import fingerprint
from app.kernel.store import Store
from app.kernel.table import Table


class Versioned(Protocol):
    """A row that says which version of its aggregate it reflects."""

    @property
    def version(self) -> int:
        """That of the last event in it."""


Row = TypeVar("Row", bound=Versioned)


class Listing(Generic[Row]):
    """A read model of one log: one row for each aggregate, at the place that `project` says."""

    agent: str

    def __init__(
        self, log: str, rows: Table[Row], places: Table[str], project: Callable[[Row | None, Recorded], Listed[Row]], *folds: Callable[..., Any]
    ) -> None:
        """`log` is followed; `rows` are by place, `places` says by id which is an aggregate's; `folds` are what `project` calls in other modules."""
        self.events: tuple[str, ...] = (log,)
        self.fingerprint = fingerprint([project, *folds, place, type(self), Listing], [msgspec.json.schema(rows.value_type)])
        self._rows = rows
        self._places = places
        self._project = project

    def version(self, event: Recorded) -> int:
        """That of the aggregate's row; 0 when there is none."""
        row = self._row(event.aggregate_id)
        return row.version if row else 0

    def apply(self, event: Recorded, value: bytes) -> None:
        """Fold an event into the aggregate's row, wherever that stands afterwards."""
        del value
        before = self._row(event.aggregate_id)
        after = self._project(before, event)
        self._move(self._places.get(event.aggregate_id), after.place, event.aggregate_id)
        self._rows[after.place] = after.row
        self.changed(before, after.row)

    def changed(self, before: Row | None, after: Row) -> None:
        """Whatever else follows from it."""

    def committed_row(self, store: Store, identity: str) -> Row | None:
        """An aggregate's row; None when there is none."""
        found = self._places.committed(store, identity)
        return None if found is None else self._rows.committed(store, found)

    def committed_version(self, store: Store, identity: str) -> int:
        """That of an aggregate's row; 0 when there is none."""
        row = self.committed_row(store, identity)
        return row.version if row else 0

    def committed(self, store: Store, headings: Iterable[str], after: str = "") -> Iterator[tuple[str, Row]]:
        """The rows under these headings, each with where it stands below its own, the newest first, from behind a place on."""
        return merge(*(self._under(store, f"{heading}/", after) for heading in headings), key=itemgetter(0))

    def _under(self, store: Store, heading: str, after: str) -> Iterator[tuple[str, Row]]:
        for found, row in self._rows.rows(store, heading, start=f"{heading}{after}"):
            if (below := found.removeprefix(heading)) > after:
                yield below, row

    def _row(self, identity: str) -> Row | None:
        found = self._places.get(identity)
        return None if found is None else self._rows.get(found)

    def _move(self, before: str | None, after: str, identity: str) -> None:
        if before == after:
            return
        if before is not None:
            del self._rows[before]
        self._places[identity] = after
