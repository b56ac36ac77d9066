"""The orders of each customer of which this partition knows."""

from app.domain.recorded import Recorded
from app.domain.views import order_summary
from app.domain.views.listed import Listed, place
from app.domain.views.order_summary import OrderSummary


def project(order: OrderSummary | None, event: Recorded) -> Listed[OrderSummary]:
    """The order after an event, under its customer."""
    after = order_summary.project(order, event)
    return Listed(place(after.customer_id, after.order_date, after.order_id), after)
