"""The orders in each status."""

from app.domain.read_models import sort_keys as listed
from app.domain.read_models.order_summary import OrderSummary


def place(order: OrderSummary) -> str:
    """Under its status: an event that changes that moves the order."""
    return listed.place(order.status, order.order_date, order.order_id)
