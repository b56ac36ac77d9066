"""Orders of each customer, the newest first."""

from app.domain.order import order_decider
from app.domain.read_models.customer_orders import place
from app.domain.read_models.order_summary import OrderSummary, project
from app.handlers.list_projection import ListFold, ListProjection
from app.streams.app import app
from app.topics.contract import event_topic

orders = app.Table("customer-order", value_type=OrderSummary)
places = app.Table("customer-order-place", value_type=str, cached=False)


class CustomerOrders(ListProjection[OrderSummary]):
    """Read model whose heading is the customer's id."""

    agent = "customer_orders"


customer_orders = CustomerOrders(event_topic(app.side.settings, "Order"), orders, places, ListFold(order_decider.events, project, place))
