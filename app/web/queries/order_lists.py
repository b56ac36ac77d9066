"""`GET /orders`: of a customer or in a status, the newest first (contract, section 4)."""

from collections.abc import Iterator, Mapping
from typing import Annotated, NamedTuple, get_args

from fastapi import APIRouter, Query, Request, Response

from app.domain.read_models.customer_name import ASKED
from app.domain.read_models.order_summary import OrderSummary
from app.domain.read_models.sort_keys import newest_first
from app.streams.state.store import StateStore
from app.web import openapi
from app.web.http import headers
from app.web.queries.lists import ERRORS, After, InPartition, Item, Limit, PageRequest, PartitionedList
from app.web.queries.rows import summary
from schemas.answers import Status
from schemas.fields import Id, NotNull
from schemas.view_answers import OrdersPage
from tables.customer_orders import customer_orders
from tables.order_summary import order_summaries
from tables.orders_by_status import orders_by_status

STATUSES: tuple[str, ...] = get_args(Status)

CustomerNamed = Annotated[Id | None, NotNull, Query(alias="customerId")]
InStatus = Annotated[Status | None, NotNull, Query()]


class OrderListSource(NamedTuple):
    """Which orders; None is all."""

    customer_id: str | None
    status: str | None
    kind: str = "Order"

    def query(self) -> Mapping[str, str | None]:
        """As a request says it."""
        return {"customerId": self.customer_id, "status": self.status}

    def version(self, store: StateStore, identity: str) -> int:
        """That at which an order is listed; 0 also as long as who ordered it is asked for and not told."""
        found = order_summaries.committed(store, identity)
        listing = orders_by_status if self.customer_id is None else customer_orders
        return 0 if found is None or found[1].version == ASKED else listing.committed_version(store, identity)

    def rows(self, store: StateStore, after: str) -> Iterator[tuple[str, Item | None]]:
        """The orders of a partition, with who ordered them."""
        for place, order in self._orders(store, after):
            wanted = self.status in {None, order.status}
            yield place, summary(order, order_summaries.customer(store, order.customer_id)) if wanted else None

    def place(self, item: Item) -> str:
        """By when it was placed."""
        return newest_first(item["orderDate"], item["orderId"])

    def _orders(self, store: StateStore, after: str) -> Iterator[tuple[str, OrderSummary]]:
        if self.customer_id is not None:
            return customer_orders.committed(store, [self.customer_id], after)
        return orders_by_status.committed(store, STATUSES if self.status is None else [self.status], after)


def routes(lists: PartitionedList) -> APIRouter:
    """The list of orders."""
    router = APIRouter(responses={**openapi.answer(200, OrdersPage, "orders, the newest first"), **ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders")
    async def orders(  # noqa: PLR0913, PLR0917 (what the contract lets a client ask for)
        request: Request,
        customer_id: CustomerNamed = None,
        status: InStatus = None,
        limit: Limit = 100,
        after: After = None,
        partition: InPartition = None,
    ) -> Response:
        """Orders, the newest first, of a customer or in a status; `next` is the `after` of the page that follows, or null."""
        return await lists.page(request, OrderListSource(customer_id, status), PageRequest.of(limit, after, partition))

    return router
