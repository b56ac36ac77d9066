"""Read model of products: name, price and stock."""

from msgspec import Struct
from msgspec.structs import replace

from app.eventsourcing.recorded_event import RecordedEvent, UnexpectedEvent, payload


class ProductStock(Struct, frozen=True, rename="camel", gc=False):
    """Row of a product, with its stock in pieces. `on_hand` includes `reserved`, but not `shipped`."""

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
    """Fields of ProductRegistered."""

    name: str
    price: int
    currency: str


class Pieces(Struct):
    """Field of every event that moves stock."""

    quantity: int


def project(product: ProductStock | None, event: RecordedEvent) -> ProductStock:
    """Return the row after an event."""
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
    """Return the row with each count changed by the given factor times the event's quantity."""
    quantity = payload(event, Pieces).quantity
    return replace(
        product,
        on_hand=product.on_hand + on_hand * quantity,
        reserved=product.reserved + reserved * quantity,
        shipped=product.shipped + shipped * quantity,
        version=event.version,
        last_updated=event.timestamp,
    )
