"""The read models whose rows are held against the log: each by the same pure function that folds its rows (app/domain/views)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from app.domain.recorded import Recorded
from app.domain.views import customer_account, customer_orders, order_summary, orders_by_status, product_stock, saga_status
from app.domain.views.listed import Listed


class View(NamedTuple):
    """A read model with one row for each aggregate of one log."""

    name: str
    """As workers are asked for it: that of its agent."""
    table: str
    """The table of these rows."""
    log: str
    """As in `events.order`."""
    row: type
    project: Callable[[Any, Recorded], Listed[Any]]
    """The row after an event, and its key."""
    places: str | None = None
    """The table that says by id under which key a row stands, if it is not the id."""
    counts: str | None = None
    """The table that says how many rows there are under each heading, if there is one."""


def _by_id(project: Callable[[Any, Recorded], Any]) -> Callable[[Any, Recorded], Listed[Any]]:
    return lambda row, event: Listed(event.aggregate_id, project(row, event))


VIEWS = (
    View("order_summary", "order-summary", "order", order_summary.OrderSummary, _by_id(order_summary.project)),
    View("customer_orders", "customer-order", "order", order_summary.OrderSummary, customer_orders.project, "customer-order-place"),
    View("orders_by_status", "order-status", "order", order_summary.OrderSummary, orders_by_status.project, "order-status-place", "order-status-count"),
    View("product_stock", "product-stock", "product", product_stock.ProductStock, _by_id(product_stock.project)),
    View("customer_account", "customer-account", "customer", customer_account.CustomerAccount, _by_id(customer_account.project)),
    View("saga_status", "saga-status", "saga", saga_status.SagaStatus, saga_status.project, "saga-status-place", "saga-status-count"),
)

UNCHECKED = frozenset({"customer-ordering"})
"""Tables that follow from feeds between partitions, and are shown to nobody."""


def identity(key: str) -> str:
    """The id of the aggregate whose row stands under a key: the last part, for a slash is in no id."""
    return key.rpartition("/")[2]


def differing(found: bytes, wanted: bytes) -> Iterator[str]:
    """The names of the fields in which two rows differ, never their values, which may be personal."""
    one, other = (msgspec.json.decode(row, type=dict[str, Any]) for row in (found, wanted))
    return (name for name in sorted({*one, *other}) if one.get(name) != other.get(name))
