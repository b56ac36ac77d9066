"""List of the orders in each status."""

from app.domain.read_models.order_summary import OrderSummary
from app.eventsourcing import sort_keys as listed


def place(order: OrderSummary) -> str:
    """Return the order's place in the list of its status. An event that changes the status moves the order."""
    return listed.place(order.status, order.order_date, order.order_id)
