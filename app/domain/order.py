"""The Order: placed, confirmed, shipped; or cancelled."""

from typing import Any, assert_never

from msgspec import Struct

from app.domain.decider import Decider, Decision, by_name
from schemas.message import Refusal
from schemas.order import CancelOrder, ConfirmOrder, OrderCancelled, OrderCommand, OrderConfirmed, OrderEvent, OrderItem, OrderPlaced, OrderShipped, PlaceOrder, ShipOrder

DEFAULT_SHIPPING_METHOD = "STANDARD"


class Draft(Struct, frozen=True, tag="DRAFT"):
    """Not placed."""


class Placed(Struct, frozen=True, tag="PLACED"):
    """Waits for payment and stock."""


class Confirmed(Struct, frozen=True, tag="CONFIRMED"):
    """Paid and reserved."""


class Shipped(Struct, frozen=True, tag="SHIPPED"):
    """On its way."""


class Cancelled(Struct, frozen=True, tag="CANCELLED"):
    """Given up."""


Order = Draft | Placed | Confirmed | Shipped | Cancelled


def evolve(_order: Order, event: OrderEvent) -> Order:
    """Fold: an order is where its last event left it."""
    match event:
        case OrderPlaced():
            return Placed()
        case OrderConfirmed():
            return Confirmed()
        case OrderShipped():
            return Shipped()
        case OrderCancelled():
            return Cancelled()
        case _:
            assert_never(event)


def decide(command: OrderCommand, order: Order, _detail: None, at: str) -> Decision:
    """The contract's table of orders."""
    match command, order:
        case PlaceOrder(), Draft():
            return (_placed(command),)
        case PlaceOrder(), _:
            return Refusal(code="already-exists", message="the order was placed before", state=status(order))
        case _, Draft():
            return Refusal(code="not-found", message="the order was never placed")
        case ConfirmOrder(), Placed():
            return (OrderConfirmed(confirmed_at=at),)
        case ShipOrder(), Confirmed():
            return (OrderShipped(tracking_number=command.tracking_number),)
        case CancelOrder(), Placed() | Confirmed():
            return (OrderCancelled(reason=command.reason),)
        case (ConfirmOrder() | ShipOrder() | CancelOrder()), _:
            return Refusal(code="illegal-transition", message=f"{type(command).__name__} is not possible when the order is {status(order)}", state=status(order))
        case _:
            assert_never(command)


def status(order: Order) -> str:
    """The order's status, as on the wire."""
    return str(type(order).__struct_config__.tag)


def _placed(command: PlaceOrder) -> OrderPlaced:
    return OrderPlaced(
        customer_id=command.customer_id,
        items=list[OrderItem](command.items),
        total_amount=sum(item.quantity * item.price for item in command.items),
        currency=command.currency,
        shipping_address=command.shipping_address,
        shipping_method=command.shipping_method or DEFAULT_SHIPPING_METHOD,
    )


def no_detail(_detail: Any, _event: Any) -> None:  # noqa: ANN401 (there is none)
    """An order has no details."""


order_decider = Decider(
    aggregate_type="Order",
    topic="order",
    commands=by_name(PlaceOrder, ConfirmOrder, ShipOrder, CancelOrder),
    events=by_name(OrderPlaced, OrderConfirmed, OrderShipped, OrderCancelled),
    initial=Draft(),
    decide=decide,
    evolve=evolve,
    evolve_detail=no_detail,
    root_type=Order,
    detail_type=None,
)
