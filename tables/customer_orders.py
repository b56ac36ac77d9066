"""The orders of each customer, the newest first."""

from app.domain.views.customer_orders import project
from app.domain.views.order_summary import OrderSummary
from app.kernel.app import app
from tables.order_list import OrderList

orders = app.Table("customer-order", value_type=OrderSummary)
places = app.Table("customer-order-place", value_type=str)


class CustomerOrders(OrderList):
    """A read model: the heading is the customer's id."""

    agent = "customer_orders"


customer_orders = CustomerOrders(app.side.settings, orders, places, project)
