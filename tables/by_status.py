"""A list under statuses, and how many there are in each."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from app.domain.recorded import Recorded
from app.domain.views.listed import Listed
from app.kernel.store import Store
from app.kernel.table import Table
from tables.listing import Listing


class InStatus(Protocol):
    """A row that has a version and a status."""

    @property
    def version(self) -> int:
        """That of the last event in it."""

    @property
    def status(self) -> str:
        """Its heading."""


Row = TypeVar("Row", bound=InStatus)


class ByStatus(Listing[Row]):
    """A read model: the heading is the status."""

    def __init__(
        self,
        log: str,
        rows: Table[Row],
        places: Table[str],
        counts: Table[int],
        project: Callable[[Row | None, Recorded], Listed[Row]],
        *folds: Callable[..., Any],
    ) -> None:
        super().__init__(log, rows, places, project, *folds, ByStatus)
        self._counts = counts

    def changed(self, before: Row | None, after: Row) -> None:
        """Count it where it is now."""
        if before is not None:
            self._counts[before.status] -= 1
        self._counts[after.status] = (self._counts.get(after.status) or 0) + 1

    def committed_counts(self, store: Store) -> Counter[str]:
        """How many of the partition are in each status."""
        return Counter(dict(self._counts.rows(store)))
