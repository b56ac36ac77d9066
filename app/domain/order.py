"""The Order aggregate: placed, confirmed, shipped; or cancelled. While its saga compensates, it can be neither confirmed nor shipped."""

from typing import assert_never

from msgspec import Struct

from app.domain.integration_events import ORDERS
from app.domain.order_fulfilment.state import Saga, goes_back
from app.domain.order_fulfilment.state import status as saga_status
from app.eventsourcing.decider import At, Decider, Decision, by_name
from schemas.envelopes import Refusal
from schemas.order import CancelOrder, ConfirmOrder, OrderCancelled, OrderCommand, OrderConfirmed, OrderEvent, OrderPlaced, OrderShipped, PlaceOrder, ShipOrder


class Draft(Struct, frozen=True, tag="DRAFT"):
    """Order that was not placed yet."""


class Placed(Struct, frozen=True, tag="PLACED"):
    """Order that waits for payment and stock."""

    products: tuple[str, ...]


class Confirmed(Struct, frozen=True, tag="CONFIRMED"):
    """Order that is paid and reserved. `products` will be shipped."""

    products: tuple[str, ...]


class Shipped(Struct, frozen=True, tag="SHIPPED"):
    """Order that was shipped."""


class Cancelled(Struct, frozen=True, tag="CANCELLED"):
    """Order that was cancelled."""


Order = Draft | Placed | Confirmed | Shipped | Cancelled


def status(order: Order) -> str:
    """Return the order's status, as on the wire."""
    return str(order.__struct_config__.tag)


def products(order: Order) -> tuple[str, ...]:
    """Return the ids of the products to be shipped, each once; none if the order was shipped, cancelled or never placed."""
    return order.products if isinstance(order, Placed | Confirmed) else ()


def evolve(order: Order, event: OrderEvent) -> Order:
    """Apply an event: the last one determines the order's state."""
    match event:
        case OrderPlaced():
            return Placed(tuple(dict.fromkeys(item.product_id for item in event.items)))
        case OrderConfirmed():
            return Confirmed(products(order))
        case OrderShipped():
            return Shipped()
        case OrderCancelled():
            return Cancelled()
        case never:
            assert_never(never)


def decide(command: OrderCommand, order: Order, saga: Saga | None, at: At) -> Decision[OrderEvent]:  # noqa: PLR0911 (a truth table returns in every row)
    """Decide a command by the contract's table of orders (section 3)."""
    match command, order:
        case PlaceOrder(), Draft():
            return (_placed(command),)
        case PlaceOrder(), _:
            return Refusal(code="already-exists", message="the order was placed before", state=status(order))
        case _, Draft():
            return Refusal(code="not-found", message="the order was never placed")
        case (ConfirmOrder(), Placed()) | (ShipOrder(), Confirmed()) if saga is not None and goes_back(saga):
            return _locked(command, order, saga)
        case ConfirmOrder(), Placed():
            return (OrderConfirmed(confirmed_at=at),)
        case ShipOrder(), Confirmed():
            return (OrderShipped(tracking_number=command.tracking_number),)
        case CancelOrder(), Placed() | Confirmed():
            return (OrderCancelled(reason=command.reason),)
        case ((ConfirmOrder() | ShipOrder() | CancelOrder()), (Placed() | Confirmed() | Shipped() | Cancelled())):
            return _illegal(command, order)
        case never:
            assert_never(never)


def _placed(command: PlaceOrder) -> OrderPlaced:
    return OrderPlaced(
        customer_id=command.customer_id,
        items=command.items,
        total_amount=command.total_amount,
        currency=command.currency,
        shipping_address=command.shipping_address,
        shipping_method=command.shipping_method,
    )


def _illegal(command: OrderCommand, order: Order) -> Refusal:
    return Refusal(code="illegal-transition", message=f"{type(command).__name__} is not possible when the order is {status(order)}", state=status(order))


def _locked(command: OrderCommand, order: Order, saga: Saga) -> Refusal:
    why = f"{type(command).__name__} is not possible when the order's saga is {saga_status(saga)}"
    return Refusal(code="illegal-transition", message=why, state=status(order))


order_decider: Decider[OrderCommand, OrderEvent, Order, Saga] = Decider(
    aggregate_type="Order",
    topic="order",
    commands=by_name(PlaceOrder, ConfirmOrder, ShipOrder, CancelOrder),
    events=by_name(OrderPlaced, OrderConfirmed, OrderShipped, OrderCancelled),
    initial=Draft(),
    decide=decide,
    evolve=evolve,
    publication=ORDERS,
)
