"""Integration events and notifications about orders, for other services and clients (contract, section 3).

An integration event is the domain event's payload plus the order's id.
"""

from schemas import order
from schemas.envelopes import Message
from schemas.fields import Id


class OrderPlaced(order.OrderPlaced):
    """Integration event `foldstream.order.placed.v1`."""

    order_id: Id


class OrderConfirmed(order.OrderConfirmed):
    """Integration event `foldstream.order.confirmed.v1`."""

    order_id: Id


class OrderShipped(order.OrderShipped):
    """Integration event `foldstream.order.shipped.v1`."""

    order_id: Id


class OrderCancelled(order.OrderCancelled):
    """Integration event `foldstream.order.cancelled.v1`."""

    order_id: Id


class Notification(Message):
    """Notification about an order: id, status and version only."""

    order_id: Id
    status: str
    version: int
