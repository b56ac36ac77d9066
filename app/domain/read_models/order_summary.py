"""Read model of orders, from their own events. The customer's name comes from the customer's partition (docs/decisions/0017)."""

from msgspec import Raw, Struct
from msgspec.structs import replace

from app.eventsourcing.recorded_event import RecordedEvent, UnexpectedEvent, payload


class OrderSummary(Struct, frozen=True, rename="camel", gc=False):
    """Row of an order. `total_amount` is in minor units of `currency`; `item_count` is the number of lines."""

    order_id: str
    customer_id: str
    order_date: str
    status: str
    total_amount: int
    currency: str
    item_count: int
    version: int
    last_updated: str


class Placed(Struct, rename="camel"):
    """Fields of OrderPlaced."""

    customer_id: str
    items: list[Raw]
    total_amount: int
    currency: str


def project(order: OrderSummary | None, event: RecordedEvent) -> OrderSummary:
    """Return the row after an event."""
    match event.event_type, order:
        case "OrderPlaced", None:
            return _placed(event)
        case "OrderConfirmed", OrderSummary():
            return _moved(order, event, "CONFIRMED")
        case "OrderShipped", OrderSummary():
            return _moved(order, event, "SHIPPED")
        case "OrderCancelled", OrderSummary():
            return _moved(order, event, "CANCELLED")
        case _:
            raise UnexpectedEvent(event)


def _placed(event: RecordedEvent) -> OrderSummary:
    placed = payload(event, Placed)
    about = (placed.total_amount, placed.currency, len(placed.items))
    return OrderSummary(event.aggregate_id, placed.customer_id, event.timestamp, "PLACED", *about, event.version, event.timestamp)


def _moved(order: OrderSummary, event: RecordedEvent, status: str) -> OrderSummary:
    return replace(order, status=status, version=event.version, last_updated=event.timestamp)
