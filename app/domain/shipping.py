"""Shipping, choreographed: when an order leaves, so does what is reserved for it. Nobody waits for an answer."""

from collections.abc import Iterator

from app.domain.order import Order, products
from app.eventsourcing.ids import command_id
from app.eventsourcing.saga import OutgoingCommand
from schemas.envelopes import Event
from schemas.order import OrderShipped


def policy(order_id: str, order: Order, event: Event, event_id: str) -> Iterator[OutgoingCommand]:
    """What an event of an order asks of its products; `order` is the order before it."""
    if isinstance(event, OrderShipped):
        for product_id in products(order):
            yield OutgoingCommand(asked_by(event_id, product_id), 0, "ShipInventory", "Product", product_id, {"orderId": order_id})


def asked_by(event_id: str, product_id: str) -> str:
    """The id of the command by which what is reserved of a product leaves; `event_id` is that of OrderShipped."""
    return command_id(event_id, product_id)
