"""The orders in each status."""

from app.domain.views import listed
from app.domain.views.order_summary import OrderSummary


def place(order: OrderSummary) -> str:
    """Under its status: an event that changes that moves the order."""
    return listed.place(order.status, order.order_date, order.order_id)
