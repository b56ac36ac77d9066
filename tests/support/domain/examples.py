"""Examples: one valid payload of each command, as on the wire, and events that lead to each state."""

from typing import Any

from schemas.customer import CustomerRegistered, PaymentProcessed, PaymentRefunded
from schemas.envelopes import Event
from schemas.order import OrderCancelled, OrderConfirmed, OrderItem, OrderPlaced, OrderShipped
from schemas.product import InventoryReleased, InventoryReserved, InventoryShipped, ProductRegistered, StockReceived
from tests.support.domain.scenario import AT

COMMANDS: dict[str, dict[str, Any]] = {
    "PlaceOrder": {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 2, "price": 500}], "shippingAddress": "1 High Street", "currency": "EUR"},
    "ConfirmOrder": {},
    "ShipOrder": {},
    "CancelOrder": {"reason": "changed my mind"},
    "RegisterProduct": {"name": "Lamp", "price": 500, "currency": "EUR"},
    "ReceiveStock": {"quantity": 10},
    "ReserveInventory": {"orderId": "o-1", "quantity": 3},
    "ReleaseInventory": {"orderId": "o-1"},
    "ShipInventory": {"orderId": "o-1"},
    "RegisterCustomer": {"name": "Ada", "email": "ada@example.org", "creditLimit": 1_000, "currency": "EUR"},
    "ChangeCustomer": {"name": "Ada L."},
    "ChangeCreditLimit": {"creditLimit": 2_000},
    "ProcessPayment": {"orderId": "o-1", "amount": 400, "currency": "EUR"},
    "RefundPayment": {"orderId": "o-1"},
}

PLACED = OrderPlaced(
    customer_id="c-1",
    items=(OrderItem(product_id="p-1", quantity=2, price=500),),
    total_amount=1_000,
    currency="EUR",
    shipping_address="1 High Street",
    shipping_method="STANDARD",
)
CONFIRMED = OrderConfirmed(confirmed_at=AT)

OFFERED = (ProductRegistered(name="Lamp", price=500, currency="EUR"), StockReceived(quantity=10))
RESERVED = InventoryReserved(order_id="o-1", quantity=3)

KNOWN = CustomerRegistered(name="Ada", email="ada@example.org", credit_limit=1_000, currency="EUR")
PAID = PaymentProcessed(order_id="o-1", amount=400, currency="EUR")

ORDERS: dict[str, tuple[Event, ...]] = {
    "DRAFT": (),
    "PLACED": (PLACED,),
    "CONFIRMED": (PLACED, CONFIRMED),
    "SHIPPED": (PLACED, CONFIRMED, OrderShipped()),
    "CANCELLED": (PLACED, OrderCancelled(reason="no stock")),
}
PRODUCTS: dict[str, tuple[Event, ...]] = {
    "unregistered": (),
    "registered": OFFERED,
    "reserved": (*OFFERED, RESERVED),
    "released": (*OFFERED, RESERVED, InventoryReleased(order_id="o-1", quantity=3)),
    "shipped": (*OFFERED, RESERVED, InventoryShipped(order_id="o-1", quantity=3)),
}
CUSTOMERS: dict[str, tuple[Event, ...]] = {
    "unregistered": (),
    "registered": (KNOWN,),
    "paid": (KNOWN, PAID),
    "refunded": (KNOWN, PAID, PaymentRefunded(order_id="o-1", amount=400, currency="EUR")),
}
