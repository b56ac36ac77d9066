"""Summary of each order with its customer, joined in the order's own partition (docs/decisions/0017)."""

import msgspec

from app.domain.order import order_decider
from app.domain.read_models import customer_name
from app.domain.read_models.customer_name import ASKED, CustomerName, Ordering
from app.domain.read_models.order_summary import OrderSummary, project
from app.domain.registry import CUSTOMER_NAME, ORDERING
from app.eventsourcing.recorded_event import RecordedEvent, upcasts
from app.settings import Settings
from app.streams.app import app
from app.streams.processing.context import emit
from app.streams.state.fingerprint import fingerprint
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from app.topics.contract import event_topic, feed_topic

summaries = app.Table("order-summary", value_type=OrderSummary)
names = app.Table("order-customer", value_type=CustomerName)


class Summaries:
    """Read model with a row for each order, and one for each customer with orders in this partition, which these orders share."""

    agent = "order_summary"

    def __init__(self, settings: Settings, summaries: Table[OrderSummary], names: Table[CustomerName]) -> None:
        self.feeds: tuple[str, ...] = (feed_topic(settings, CUSTOMER_NAME),)
        self.events: tuple[str, ...] = (event_topic(settings, "Order"), *self.feeds)
        self.fingerprint = fingerprint(
            [project, *upcasts(order_decider.events), customer_name.project, Summaries],
            [msgspec.json.schema(row) for row in (OrderSummary, CustomerName, Ordering)],
        )
        self._orderings = feed_topic(settings, ORDERING)
        self._summaries = summaries
        self._names = names

    def before(self, event: RecordedEvent) -> OrderSummary | None:
        """Return the order's row; None when there is none."""
        return self._summaries.get(event.aggregate_id)

    def apply(self, before: OrderSummary | None, event: RecordedEvent, value: bytes) -> None:
        """Project an event into the order's row. A customer's first order in this partition asks for the customer's name."""
        del value
        summary = self._summaries[event.aggregate_id] = project(before, event)
        if before is None and self._names.get(summary.customer_id) is None:
            self._names[summary.customer_id] = CustomerName(summary.customer_id, ASKED)
            emit(self._orderings, summary.customer_id.encode(), msgspec.json.encode(Ordering(summary.customer_id, summary.order_id)))

    def told(self, value: bytes) -> None:
        """Apply a customer's name."""
        name = msgspec.json.decode(value, type=CustomerName)
        self._names[name.customer_id] = customer_name.project(self._names.get(name.customer_id), name)

    def committed(self, store: StateStore, order_id: str) -> tuple[OrderSummary, CustomerName] | None:
        """Return an order's row, and what is known of its customer; None when the order was never placed."""
        summary = self._summaries.committed(store, order_id)
        return None if summary is None else (summary, self.customer(store, summary.customer_id))

    def customer(self, store: StateStore, customer_id: str) -> CustomerName:
        """Return what this partition knows of a customer."""
        return self._names.committed(store, customer_id) or CustomerName(customer_id, ASKED)


order_summaries = Summaries(app.side.settings, summaries, names)
