"""Sagas as clients see them: that of an order, and lists by status, the newest first (contract, section 4)."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args

from app.domain.read_models.saga_status import SagaStatus
from app.eventsourcing.sort_keys import newest_first
from app.streams.state.store import StateStore
from app.web.queries.lists import Item
from app.web.queries.rows import RowResponse, fields
from schemas import saga
from tables.saga_status import saga_statuses

STATUSES: tuple[str, ...] = get_args(saga.SagaStatus)


class SagaListSource(NamedTuple):
    """Source of a list of sagas; a status of None admits all."""

    status: str | None
    kind: str = "Saga"

    def query(self) -> Mapping[str, str | None]:
        """Return the filter as query parameters."""
        return {"status": self.status}

    def version(self, store: StateStore, identity: str) -> int:
        """Return the version at which a saga is listed, 0 if it is not listed yet."""
        return saga_statuses.committed_version(store, identity)

    def rows(self, store: StateStore, after: str) -> Iterator[tuple[str, Item | None]]:
        """Yield the sagas of a partition."""
        for place, row in saga_statuses.committed(store, STATUSES if self.status is None else [self.status], after):
            yield place, _item(row)

    def place(self, item: Item) -> str:
        """Return the place of a saga, by the time when it started."""
        return newest_first(item["startedAt"], item["orderId"])


def saga_row(store: StateStore, order_id: str) -> RowResponse | None:
    """Return the saga of an order, or None if there is none."""
    row = saga_statuses.committed_row(store, order_id)
    return None if row is None else RowResponse(row.version, f'"{row.version}"', _item(row))


def _item(row: SagaStatus) -> Item:
    item = fields(row)
    del item["saga"]
    return item
