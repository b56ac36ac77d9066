"""Shipping policy, choreographed: when an order is shipped, so is its reserved stock. The policy waits for no result."""

from collections.abc import Iterator

from app.domain.order import Order, products
from app.eventsourcing.ids import command_id
from app.eventsourcing.saga import OutgoingCommand
from schemas.envelopes import Event
from schemas.order import OrderShipped


def policy(order_id: str, order: Order, event: Event, event_id: str) -> Iterator[OutgoingCommand]:
    """Yield the commands to products that follow from an event of an order. `order` is the state before the event."""
    if isinstance(event, OrderShipped):
        for product_id in products(order):
            yield OutgoingCommand(asked_by(event_id, product_id), 0, "ShipInventory", "Product", product_id, {"orderId": order_id})


def asked_by(event_id: str, product_id: str) -> str:
    """Derive the id of the command that ships a product's reserved stock. `event_id` is that of OrderShipped."""
    return command_id(event_id, product_id)
