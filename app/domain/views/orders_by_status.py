"""The orders in each status."""

from app.domain.recorded import Recorded
from app.domain.views import order_summary
from app.domain.views.listed import Listed, place
from app.domain.views.order_summary import OrderSummary


def project(order: OrderSummary | None, event: Recorded) -> Listed[OrderSummary]:
    """The order after an event, under its status: it leaves the place that it had before."""
    after = order_summary.project(order, event)
    return Listed(place(after.status, after.order_date, after.order_id), after)
