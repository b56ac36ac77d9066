"""Registry of the checked read models. Verify uses the same pure functions that project and list their rows (app/domain/read_models)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from app.domain.read_models import customer_account, customer_orders, order_summary, orders_by_status, product_stock, saga_status
from app.eventsourcing.recorded_event import RecordedEvent


class CheckedReadModel(NamedTuple):
    """Read model with one row for each aggregate of one log."""

    name: str
    """Name by which a worker serves it: that of its agent."""
    table: str
    """Table of the rows, by id."""
    log: str
    """Log that it follows, as in `events.order`: `order`."""
    row: type
    project: Callable[[Any, RecordedEvent], Any]
    """Projection: returns the row after an event."""
    place: Callable[[Any], str] | None = None
    """Place of a row in the list, if the read model is listed."""
    counted: bool = False
    """True if a table counts the rows listed under each heading."""

    @property
    def places(self) -> str:
        """Table of the row's id by place."""
        return f"{self.table}-place"

    @property
    def counts(self) -> str:
        """Table of the number of rows by heading."""
        return f"{self.table}-count"

    @property
    def tables(self) -> Iterator[str]:
        """All of its tables."""
        yield self.table
        if self.place is not None:
            yield self.places
        if self.counted:
            yield self.counts


VIEWS = (
    CheckedReadModel("order_summary", "order-summary", "order", order_summary.OrderSummary, order_summary.project),
    CheckedReadModel("customer_orders", "customer-order", "order", order_summary.OrderSummary, order_summary.project, customer_orders.place),
    CheckedReadModel("orders_by_status", "order-status", "order", order_summary.OrderSummary, order_summary.project, orders_by_status.place, counted=True),
    CheckedReadModel("product_stock", "product-stock", "product", product_stock.ProductStock, product_stock.project),
    CheckedReadModel("customer_account", "customer-account", "customer", customer_account.CustomerAccount, customer_account.project),
    CheckedReadModel("saga_status", "saga-status", "saga", saga_status.SagaStatus, saga_status.project, saga_status.place, counted=True),
)

UNCHECKED = frozenset({"customer-ordering"})
"""Internal tables that follow from feeds between partitions. No reader sees them."""


def differing(found: bytes, wanted: bytes) -> Iterator[str]:
    """Yield the names of the fields in which two rows differ, never their values, which may be personal."""
    one, other = (msgspec.json.decode(row, type=dict[str, Any]) for row in (found, wanted))
    return (name for name in sorted({*one, *other}) if one.get(name) != other.get(name))
