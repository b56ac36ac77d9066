"""`GET /orders/{id}/saga`, `GET /sagas`: the fulfilment of orders (contract, section 4)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple, get_args

from fastapi import APIRouter, Query, Request, Response

from app.domain.read_models.saga_status import SagaStatus
from app.eventsourcing.sort_keys import newest_first
from app.streams.state.store import StateStore
from app.web import openapi
from app.web.http import headers
from app.web.queries.lists import ERRORS, After, InPartition, Item, Limit, PageRequest, PartitionedList
from app.web.queries.rows import ROW_ERRORS, RowQuery, RowResponse, fields, shown
from schemas import saga, view_answers
from schemas.fields import Id, NotNull
from tables.saga_status import saga_statuses

STATUSES: tuple[str, ...] = get_args(saga.SagaStatus)

InStatus = Annotated[saga.SagaStatus | None, NotNull, Query()]


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


def routes(rows: RowQuery, lists: PartitionedList) -> APIRouter:
    """Return the routes for the status of sagas."""
    router = APIRouter(tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}/saga", responses={**ROW_ERRORS, **shown(view_answers.SagaStatus)})
    async def order_saga(request: Request, order_id: Id) -> Response:
        """Return the saga of an order: its steps, with time and reason."""
        return await rows.row(request, "Saga", order_id, _saga)

    @router.get("/sagas", responses={**ERRORS, **openapi.answer(200, view_answers.SagasPage, "sagas, the newest first")})
    async def sagas(request: Request, status: InStatus = None, limit: Limit = 100, after: After = None, partition: InPartition = None) -> Response:
        """List sagas, the newest first. Those that wait for an operator are in NEEDS_INTERVENTION."""
        return await lists.page(request, SagaListSource(status), PageRequest.of(limit, after, partition))

    return router


def _saga(store: StateStore, order_id: str) -> RowResponse | None:
    row = saga_statuses.committed_row(store, order_id)
    return None if row is None else RowResponse(row.version, f'"{row.version}"', _item(row))


def _item(row: SagaStatus) -> Item:
    item = fields(row)
    del item["saga"]
    return item
