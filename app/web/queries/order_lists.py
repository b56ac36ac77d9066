"""Lists of orders: those of a customer or in a status, the newest first (contract, section 4)."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple, get_args

from app.domain.read_models.customer_name import ASKED
from app.domain.read_models.order_summary import OrderSummary
from app.eventsourcing.sort_keys import newest_first
from app.streams.state.store import StateStore
from app.web.queries.lists import Item
from app.web.queries.rows import summary
from schemas.answers import Status
from tables.customer_orders import customer_orders
from tables.order_summary import order_summaries
from tables.orders_by_status import orders_by_status

STATUSES: tuple[str, ...] = get_args(Status)


class OrderListSource(NamedTuple):
    """Source of a list of orders; a filter of None admits all."""

    customer_id: str | None
    status: str | None
    kind: str = "Order"

    def query(self) -> Mapping[str, str | None]:
        """Return the filter as query parameters."""
        return {"customerId": self.customer_id, "status": self.status}

    def version(self, store: StateStore, identity: str) -> int:
        """Return the version at which an order is listed, 0 if it is not listed yet or its customer's name has not arrived yet."""
        found = order_summaries.committed(store, identity)
        listing = orders_by_status if self.customer_id is None else customer_orders
        return 0 if found is None or found[1].version == ASKED else listing.committed_version(store, identity)

    def rows(self, store: StateStore, after: str) -> Iterator[tuple[str, Item | None]]:
        """Yield the orders of a partition, with their customers' names."""
        for place, order in self._orders(store, after):
            wanted = self.status in {None, order.status}
            yield place, summary(order, order_summaries.customer(store, order.customer_id)) if wanted else None

    def place(self, item: Item) -> str:
        """Return the place of an order, by the time when it was placed."""
        return newest_first(item["orderDate"], item["orderId"])

    def _orders(self, store: StateStore, after: str) -> Iterator[tuple[str, OrderSummary]]:
        if self.customer_id is not None:
            return customer_orders.committed(store, [self.customer_id], after)
        return orders_by_status.committed(store, STATUSES if self.status is None else [self.status], after)
