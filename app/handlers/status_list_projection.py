"""List by status, with the number of rows in each status."""

from collections import Counter
from typing import Protocol, TypeVar

from app.eventsourcing.recorded_event import Versioned
from app.handlers.list_projection import ListFold, ListProjection
from app.streams.state.store import StateStore
from app.streams.state.table import Table


class InStatus(Versioned, Protocol):
    """A row that also has a status."""

    @property
    def status(self) -> str:
        """Status, which is the heading of the row."""


Row = TypeVar("Row", bound=InStatus)


class StatusListProjection(ListProjection[Row]):
    """Read model whose heading is the status."""

    def __init__(self, log: str, rows: Table[Row], places: Table[str], counts: Table[int], fold: ListFold[Row]) -> None:
        super().__init__(log, rows, places, fold._replace(reaches=[*fold.reaches, StatusListProjection]))
        self._counts = counts

    def changed(self, before: Row | None, after: Row) -> None:
        """Move the count of a row to its current status."""
        if before is not None:
            self._counts[before.status] -= 1
        self._counts[after.status] = (self._counts.get(after.status) or 0) + 1

    def committed_counts(self, store: StateStore) -> Counter[str]:
        """Return how many rows of the partition are in each status."""
        return Counter(dict(self._counts.rows(store)))
