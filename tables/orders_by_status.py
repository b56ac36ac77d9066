"""Orders in each status, the newest first, and their number."""

from app.domain.order import order_decider
from app.domain.read_models.order_summary import OrderSummary, project
from app.domain.read_models.orders_by_status import place
from app.handlers.list_projection import ListFold
from app.handlers.status_list_projection import StatusListProjection
from app.streams.app import app
from app.topics.contract import event_topic

orders = app.Table("order-status", value_type=OrderSummary)
places = app.Table("order-status-place", value_type=str, cached=False)
counts = app.Table("order-status-count", value_type=int)


class OrdersByStatus(StatusListProjection[OrderSummary]):
    """Read model of orders by status."""

    agent = "orders_by_status"


orders_by_status = OrdersByStatus(event_topic(app.side.settings, "Order"), orders, places, counts, ListFold(order_decider.events, project, place))
