"""The Product: what is on hand, and what of it is reserved for which order."""

from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from app.domain.decider import Decider, Decision, by_name
from schemas.message import Refusal
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
    """Never registered."""


class Registered(Struct, frozen=True, tag="REGISTERED"):
    """Stock in pieces; `reserved` is part of `on_hand`, `shipped` has left it."""

    on_hand: int = 0
    reserved: int = 0
    shipped: int = 0


Product = Unregistered | Registered


class ReservationState(StrEnum):
    """What became of a reservation."""

    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    SHIPPED = "SHIPPED"


class Reservation(Struct, frozen=True):
    """One order's share of a product."""

    state: ReservationState
    quantity: int


def evolve(product: Product, event: ProductEvent) -> Product:
    """Fold stock."""
    match product, event:
        case Unregistered(), _:
            return Registered()
        case Registered(), ProductRegistered():
            return product
        case Registered(), StockReceived():
            return replace(product, on_hand=product.on_hand + event.quantity)
        case Registered(), InventoryReserved():
            return replace(product, reserved=product.reserved + event.quantity)
        case Registered(), InventoryReleased():
            return replace(product, reserved=product.reserved - event.quantity)
        case Registered(), InventoryShipped():
            return Registered(product.on_hand - event.quantity, product.reserved - event.quantity, product.shipped + event.quantity)
        case _:
            assert_never(event)  # type: ignore[arg-type]  # mypy does not narrow pairs


def evolve_reservation(reservation: Reservation | None, event: ProductEvent) -> Reservation | None:
    """Fold one order's share."""
    match event:
        case InventoryReserved():
            return Reservation(ReservationState.RESERVED, event.quantity)
        case InventoryReleased():
            return Reservation(ReservationState.RELEASED, event.quantity)
        case InventoryShipped():
            return Reservation(ReservationState.SHIPPED, event.quantity)
        case ProductRegistered() | StockReceived():
            return reservation
        case _:
            assert_never(event)


def decide(command: ProductCommand, product: Product, reservation: Reservation | None, _at: str) -> Decision:
    """The contract's table of products."""
    match command, product:
        case RegisterProduct(), Unregistered():
            return (ProductRegistered(name=command.name, price=command.price, currency=command.currency),)
        case RegisterProduct(), Registered():
            return Refusal(code="already-exists", message="the product was registered before")
        case _, Unregistered():
            return Refusal(code="unknown-product", message="the product was never registered")
        case ReceiveStock(), Registered():
            return (StockReceived(quantity=command.quantity),)
        case ReserveInventory(), Registered():
            return _reserve(command, product, reservation)
        case (ReleaseInventory() | ShipInventory()), Registered():
            return _end(command, reservation)
        case _:
            assert_never(command)  # type: ignore[arg-type]  # mypy does not narrow pairs


def _reserve(command: ReserveInventory, product: Registered, reservation: Reservation | None) -> Decision:
    if reservation is not None:
        return Refusal(code="already-exists", message="this order has reserved the product before", state=reservation.state)
    if command.quantity > (available := product.on_hand - product.reserved):
        return Refusal(code="insufficient-stock", message=f"{available} are available, {command.quantity} are wanted")
    return (InventoryReserved(order_id=command.order_id, quantity=command.quantity),)


def _end(command: ReleaseInventory | ShipInventory, reservation: Reservation | None) -> Decision:
    if reservation is None:
        return Refusal(code="not-found", message="this order never reserved the product")
    if reservation.state is not ReservationState.RESERVED:
        return Refusal(code="illegal-transition", message=f"the reservation is {reservation.state}", state=reservation.state)
    event = InventoryReleased if isinstance(command, ReleaseInventory) else InventoryShipped
    return (event(order_id=command.order_id, quantity=reservation.quantity),)


product_decider = Decider(
    aggregate_type="Product",
    topic="product",
    commands=by_name(RegisterProduct, ReceiveStock, ReserveInventory, ReleaseInventory, ShipInventory),
    events=by_name(ProductRegistered, StockReceived, InventoryReserved, InventoryReleased, InventoryShipped),
    initial=Unregistered(),
    decide=decide,
    evolve=evolve,
    evolve_detail=evolve_reservation,
    root_type=Product,
    detail_type=Reservation,
)
