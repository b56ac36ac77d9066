"""List of the orders of each customer, within one partition."""

from app.domain.read_models.order_summary import OrderSummary
from app.eventsourcing import sort_keys as listed


def place(order: OrderSummary) -> str:
    """Return the order's place in the list of its customer."""
    return listed.place(order.customer_id, order.order_date, order.order_id)
