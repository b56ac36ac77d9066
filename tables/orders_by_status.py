"""The orders in each status, the newest first, and how many they are."""

from app.domain.views import order_summary
from app.domain.views.order_summary import OrderSummary
from app.domain.views.orders_by_status import project
from app.kernel.app import app
from app.kernel.store import Store
from app.kernel.table import Table
from app.topics import event_topic
from tables.listing import Listing

orders = app.Table("order-status", value_type=OrderSummary)
places = app.Table("order-status-place", value_type=str)
counts = app.Table("order-status-count", value_type=int)


class OrdersByStatus(Listing[OrderSummary]):
    """A read model: the heading is the status."""

    agent = "orders_by_status"

    def __init__(self, log: str, orders: Table[OrderSummary], places: Table[str], counts: Table[int]) -> None:
        super().__init__(log, orders, places, project, order_summary.project)
        self._counts = counts

    def changed(self, before: OrderSummary | None, after: OrderSummary) -> None:
        """Count the order where it is now."""
        if before is not None:
            self._counts[before.status] -= 1
        self._counts[after.status] = (self._counts.get(after.status) or 0) + 1

    def committed_counts(self, store: Store) -> dict[str, int]:
        """How many orders of the partition are in each status."""
        return dict(self._counts.rows(store))


orders_by_status = OrdersByStatus(event_topic(app.side.settings, "Order"), orders, places, counts)
