"""Local state: rows, builds and parked records of the partitions that this worker has. Rows are read while it holds a valid lease."""

from collections.abc import Callable
from typing import TypeVar, cast

from app.streams.application import Application
from app.streams.errors import ReadModelUnavailable
from app.streams.kafka.partitioner import partition_of
from app.streams.parking.record import Park
from app.streams.parking.release import ReleaseRequest
from app.streams.rebuild.coordinator import BuildCoordinator
from app.streams.state.store import StateStore
from app.web.http.problems import Problem, later

Row = TypeVar("Row")


class LocalState:
    """State of this worker's partitions. What another worker may own by now is a Problem, never an old row."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._partitions = app.side.settings.partitions

    def partition(self, aggregate_id: str) -> int:
        """Return the partition of an aggregate."""
        return partition_of(aggregate_id.encode(), self._partitions)

    def owns(self, partition: int) -> bool:
        """Return True while this worker holds a valid lease on the partition, and its task is open."""
        return self._app.tables.served.serves(partition)

    def read(self, aggregate_id: str, row: Callable[[StateStore], Row]) -> Row:
        """Read committed rows of an aggregate's partition. Raise a Problem if another worker may own it, even if that began during the read."""
        return self.rows(self.partition(aggregate_id), row)

    def rows(self, partition: int, row: Callable[[StateStore], Row]) -> Row:
        """Read committed rows of a partition. Raise a Problem as `read` does."""
        store = self._app.tables.served.store(partition)
        found = None if store is None else row(store)
        if store is None or not self.owns(partition):
            raise later("not-owner", "this worker does not own the partition for certain: ask again")
        return cast("Row", found)

    def has_view(self, partition: int) -> bool:
        """Return True if this worker has the view task of the partition, whether its rows can be read now or not."""
        return self._app.tables.served.views(partition)

    def view(self, aggregate_id: str, rows: Callable[[StateStore], Row]) -> Row:
        """Read rows of the read models of an aggregate's partition. Raise a Problem if they cannot be shown, even if that began during the read."""
        return self.view_rows(self.partition(aggregate_id), rows)

    def view_rows(self, partition: int, rows: Callable[[StateStore], Row]) -> Row:
        """Read rows of the read models of a partition. Raise a Problem as `view` does."""
        store = self._app.tables.served.view(partition)
        try:
            found = None if store is None else rows(store)
        except ReadModelUnavailable as error:
            raise later("view-rebuilding", f"the rows of table {error} are made anew for the code that runs now: ask again") from error
        if store is not None and self._app.tables.served.view(partition) is store:
            return cast("Row", found)
        raise self._view_unavailable(partition)

    def builds(self, partition: int) -> BuildCoordinator:
        """Return the builds of the view task of a partition. Raise a Problem if the task is not open here."""
        builds = self._app.tables.served.builds(partition)
        if builds is None:
            raise self._view_unavailable(partition)
        return builds

    def _view_unavailable(self, partition: int) -> Problem:
        if reason := self._app.tables.served.view_stop(partition):
            return later("view-stopped", f"the aggregate's view is stopped until an operator acts: {reason}")
        return later("view-recovering", "the aggregate's view is not up to date yet, or may have another owner: ask again")

    async def release(self, partition: int, asked: ReleaseRequest) -> Park | None:
        """Retry or discard a parked record, like `TaskManager.release`. Return None once that is committed, or why the record is still parked."""
        return await self._app.tables.release(partition, asked)
