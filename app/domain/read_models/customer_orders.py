"""The orders of each customer of which this partition knows."""

from app.domain.read_models import sort_keys as listed
from app.domain.read_models.order_summary import OrderSummary


def place(order: OrderSummary) -> str:
    """Under its customer."""
    return listed.place(order.customer_id, order.order_date, order.order_id)
