"""The read models whose rows are held against the log: each by the same pure functions that fold its rows, and list them (app/domain/views)."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from app.domain.read_models import customer_account, customer_orders, order_summary, orders_by_status, product_stock, saga_status
from app.eventsourcing.recorded_event import RecordedEvent


class CheckedReadModel(NamedTuple):
    """A read model with one row for each aggregate of one log."""

    name: str
    """As workers are asked for it: that of its agent."""
    table: str
    """The table of these rows, by id."""
    log: str
    """As in `events.order`."""
    row: type
    project: Callable[[Any, RecordedEvent], Any]
    """The row after an event."""
    place: Callable[[Any], str] | None = None
    """Where the row is listed, if it is."""
    counted: bool = False
    """Whether there is a table that says how many rows are listed under each heading."""

    @property
    def places(self) -> str:
        """The table that says whose row is listed at a place."""
        return f"{self.table}-place"

    @property
    def counts(self) -> str:
        """The table that says how many are listed under a heading."""
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
"""Tables that follow from feeds between partitions, and are shown to nobody."""


def differing(found: bytes, wanted: bytes) -> Iterator[str]:
    """The names of the fields in which two rows differ, never their values, which may be personal."""
    one, other = (msgspec.json.decode(row, type=dict[str, Any]) for row in (found, wanted))
    return (name for name in sorted({*one, *other}) if one.get(name) != other.get(name))
