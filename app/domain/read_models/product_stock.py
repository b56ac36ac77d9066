"""A product as it is offered, and how much of it there is."""

from msgspec import Struct
from msgspec.structs import replace

from app.eventsourcing.recorded_event import RecordedEvent, UnexpectedEvent, payload


class ProductStock(Struct, frozen=True, rename="camel", gc=False):
    """Stock in pieces; `reserved` is part of `on_hand`, `shipped` has left it."""

    product_id: str
    name: str
    price: int
    currency: str
    version: int
    last_updated: str
    on_hand: int = 0
    reserved: int = 0
    shipped: int = 0


class Offered(Struct):
    """Of ProductRegistered."""

    name: str
    price: int
    currency: str


class Pieces(Struct):
    """Of every event that moves stock."""

    quantity: int


def project(product: ProductStock | None, event: RecordedEvent) -> ProductStock:
    """The row after an event."""
    match event.event_type, product:
        case "ProductRegistered", None:
            return _offered(event)
        case "StockReceived", ProductStock():
            return _moved(product, event, on_hand=1)
        case "InventoryReserved", ProductStock():
            return _moved(product, event, reserved=1)
        case "InventoryReleased", ProductStock():
            return _moved(product, event, reserved=-1)
        case "InventoryShipped", ProductStock():
            return _moved(product, event, on_hand=-1, reserved=-1, shipped=1)
        case _:
            raise UnexpectedEvent(event)


def _offered(event: RecordedEvent) -> ProductStock:
    offered = payload(event, Offered)
    return ProductStock(event.aggregate_id, offered.name, offered.price, offered.currency, event.version, event.timestamp)


def _moved(product: ProductStock, event: RecordedEvent, on_hand: int = 0, reserved: int = 0, shipped: int = 0) -> ProductStock:
    """Each count changes by so many times the quantity of the event."""
    quantity = payload(event, Pieces).quantity
    return replace(
        product,
        on_hand=product.on_hand + on_hand * quantity,
        reserved=product.reserved + reserved * quantity,
        shipped=product.shipped + shipped * quantity,
        version=event.version,
        last_updated=event.timestamp,
    )
