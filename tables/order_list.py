"""What lists of orders have in common: rows in the order of the list, and where the row of each order is."""

from collections.abc import Callable, Iterator

import msgspec

from app.domain.recorded import Recorded
from app.domain.views import order_list, order_summary
from app.domain.views.order_list import Listed
from app.domain.views.order_summary import OrderSummary
from app.kernel.fingerprint import fingerprint
from app.kernel.store import Store
from app.kernel.table import Table
from app.settings import Settings
from app.topics import event_topic

Project = Callable[[OrderSummary | None, Recorded], Listed]


class OrderList:
    """A read model of orders: one row each, at the place that `project` says."""

    agent: str

    def __init__(self, settings: Settings, orders: Table[OrderSummary], places: Table[str], project: Project) -> None:
        """`orders` are the rows by place, `places` says by id which of them is an order's."""
        self.events: tuple[str, ...] = (event_topic(settings, "Order"),)
        self.fingerprint = fingerprint([project, order_summary.project, order_list.place, type(self), OrderList], [msgspec.json.schema(OrderSummary)])
        self._orders = orders
        self._places = places
        self._project = project

    def version(self, event: Recorded) -> int:
        """That of the order's row; 0 when there is none."""
        order = self._row(event.aggregate_id)
        return order.version if order else 0

    def apply(self, event: Recorded, value: bytes) -> None:
        """Fold an event into the order's row, wherever that stands afterwards."""
        del value
        before = self._row(event.aggregate_id)
        after = self._project(before, event)
        self._move(self._places.get(event.aggregate_id), after.place, event.aggregate_id)
        self._orders[after.place] = after.order
        self.changed(before, after.order)

    def changed(self, before: OrderSummary | None, after: OrderSummary) -> None:
        """Whatever else follows from it."""

    def committed_version(self, store: Store, order_id: str) -> int:
        """That of an order's row; 0 when there is none."""
        place = self._places.committed(store, order_id)
        order = None if place is None else self._orders.committed(store, place)
        return order.version if order else 0

    def committed(self, store: Store, under: str, after: str = "") -> Iterator[tuple[str, OrderSummary]]:
        """The orders under a heading, each with where it stands below that, the newest first, from behind a place on."""
        heading = f"{under}/"
        for place, order in self._orders.rows(store, heading, start=f"{heading}{after}"):
            if (below := place.removeprefix(heading)) > after:
                yield below, order

    def _row(self, order_id: str) -> OrderSummary | None:
        place = self._places.get(order_id)
        return None if place is None else self._orders.get(place)

    def _move(self, before: str | None, after: str, order_id: str) -> None:
        if before == after:
            return
        if before is not None:
            del self._orders[before]
        self._places[order_id] = after
