"""The Product aggregate: its stock on hand, and the share reserved for each order."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from app.eventsourcing.decider import At, Decider, Decision, by_name
from schemas.envelopes import Refusal
from schemas.product import (
    InventoryReleased,
    InventoryReserved,
    InventoryShipped,
    ProductCommand,
    ProductEvent,
    ProductRegistered,
    ReceiveStock,
    RegisterProduct,
    ReleaseInventory,
    ReserveInventory,
    ShipInventory,
    StockReceived,
)


class Unregistered(Struct, frozen=True, tag="UNREGISTERED"):
    """Product that was never registered."""


class Registered(Struct, frozen=True, tag="REGISTERED"):
    """Registered product with its stock in pieces. `on_hand` includes `reserved`, but not `shipped`."""

    on_hand: int = 0
    reserved: int = 0
    shipped: int = 0


Product = Unregistered | Registered


class ReservationState(StrEnum):
    """State of a reservation."""

    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    SHIPPED = "SHIPPED"


class Reservation(Struct, frozen=True):
    """Stock reserved for one order."""

    state: ReservationState
    quantity: int


def evolve(product: Product, event: ProductEvent) -> Product:
    """Apply an event to the product's stock."""
    match event:
        case ProductRegistered():
            return Registered()
        case StockReceived():
            return _moved(product, on_hand=event.quantity)
        case InventoryReserved():
            return _moved(product, reserved=event.quantity)
        case InventoryReleased():
            return _moved(product, reserved=-event.quantity)
        case InventoryShipped():
            return _moved(product, on_hand=-event.quantity, reserved=-event.quantity, shipped=event.quantity)
        case never:
            assert_never(never)


def evolve_reservation(reservation: Reservation | None, event: ProductEvent) -> Reservation | None:
    """Apply an event to one order's reservation."""
    match event:
        case InventoryReserved():
            return Reservation(ReservationState.RESERVED, event.quantity)
        case InventoryReleased():
            return Reservation(ReservationState.RELEASED, event.quantity)
        case InventoryShipped():
            return Reservation(ReservationState.SHIPPED, event.quantity)
        case ProductRegistered() | StockReceived():
            return reservation
        case never:
            assert_never(never)


def decide(command: ProductCommand, product: Product, reservation: Reservation | None, _at: At) -> Decision[ProductEvent]:
    """Decide a command by the contract's table of products (section 3)."""
    match command, product:
        case RegisterProduct(), Unregistered():
            return (ProductRegistered(name=command.name, price=command.price, currency=command.currency),)
        case RegisterProduct(), _:
            return Refusal(code="already-exists", message="the product was registered before")
        case _, Unregistered():
            return Refusal(code="unknown-product", message="the product was never registered")
        case ReceiveStock(), _:
            return (StockReceived(quantity=command.quantity),)
        case ReserveInventory(), _:
            return _reserve(command, product, reservation)
        case ((ReleaseInventory() | ShipInventory()), Registered()):
            return _end(command, reservation)
        case never:
            assert_never(never)


def _moved(product: Product, on_hand: int = 0, reserved: int = 0, shipped: int = 0) -> Registered:
    assert isinstance(product, Registered), "stock moves only after ProductRegistered: the log lacks the product's first event"
    return Registered(product.on_hand + on_hand, product.reserved + reserved, product.shipped + shipped)


def _reserve(command: ReserveInventory, product: Registered, reservation: Reservation | None) -> Decision[ProductEvent]:
    if reservation is not None and not (command.again and reservation.state is ReservationState.RELEASED):
        return Refusal(code="already-exists", message="this order has reserved the product before", state=reservation.state)
    if command.quantity > (available := product.on_hand - product.reserved):
        return Refusal(code="insufficient-stock", message=f"{available} are available, {command.quantity} are wanted")
    return (InventoryReserved(order_id=command.order_id, quantity=command.quantity),)


def _end(command: ReleaseInventory | ShipInventory, reservation: Reservation | None) -> Decision[ProductEvent]:
    if reservation is None:
        return Refusal(code="not-found", message="this order never reserved the product")
    if reservation.state is not ReservationState.RESERVED:
        return Refusal(code="illegal-transition", message=f"the reservation is {reservation.state}", state=reservation.state)
    event = InventoryReleased if isinstance(command, ReleaseInventory) else InventoryShipped
    return (event(order_id=command.order_id, quantity=reservation.quantity),)


product_decider: Decider[ProductCommand, ProductEvent, Product, Reservation] = Decider(
    aggregate_type="Product",
    topic="product",
    commands=by_name(RegisterProduct, ReceiveStock, ReserveInventory, ReleaseInventory, ShipInventory),
    events=by_name(ProductRegistered, StockReceived, InventoryReserved, InventoryReleased, InventoryShipped),
    initial=Unregistered(),
    decide=decide,
    evolve=evolve,
    publication=None,
    detail="reservation",
    evolve_detail=evolve_reservation,
)
