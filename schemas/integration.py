"""What other services and clients are told of orders (contract, section 3): an integration event is the domain event's payload plus the order's id."""

from schemas import order
from schemas.envelopes import Message
from schemas.fields import Id


class OrderPlaced(order.OrderPlaced):
    """`foldstream.order.placed.v1`."""

    order_id: Id


class OrderConfirmed(order.OrderConfirmed):
    """`foldstream.order.confirmed.v1`."""

    order_id: Id


class OrderShipped(order.OrderShipped):
    """`foldstream.order.shipped.v1`."""

    order_id: Id


class OrderCancelled(order.OrderCancelled):
    """`foldstream.order.cancelled.v1`."""

    order_id: Id


class Notification(Message):
    """Id and status only."""

    order_id: Id
    status: str
    version: int
