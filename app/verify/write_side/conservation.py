"""Conservation of stock and money: an event may only take or give back what the earlier events left.

The state of an aggregate must match the sum of its events, too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from app.domain.customer import Payment, PaymentState
from app.domain.customer import Registered as Customer
from app.domain.product import Registered as Product
from app.domain.product import Reservation, ReservationState
from schemas.customer import CreditLimitChanged, PaymentProcessed, PaymentRefunded
from schemas.envelopes import Event
from schemas.order import OrderPlaced
from schemas.product import InventoryReleased, InventoryReserved, InventoryShipped, StockReceived


def losses(event: Event, root: Any, detail: Any) -> Iterator[str]:  # noqa: ANN401 (any decider's states)
    """Yield what an event creates out of nothing, or loses. `root` and `detail` are the states before it."""
    match event, root, detail:
        case OrderPlaced(), _, _:
            yield from _total(event)
        case InventoryReserved(), Product(), _:
            yield from _once(detail, ReservationState.RELEASED, "reserved")
            yield from _within(event.quantity, root.on_hand - root.reserved, "pieces are reserved")
        case ((InventoryReleased() | InventoryShipped()), _, Reservation(ReservationState.RESERVED)):
            yield from _same(f"{event.quantity} pieces", f"{detail.quantity} pieces")
        case ((InventoryReleased() | InventoryShipped()), _, _):
            yield f"{event.quantity} pieces of order {event.order_id} are given up, and none are reserved"
        case PaymentProcessed(), Customer(), _:
            yield from _once(detail, PaymentState.REFUNDED, "paid")
            yield from _in_currency(event.currency, root.currency)
            yield from _within(event.amount, root.credit_limit - root.credit_used, f"{event.currency} are paid")
        case PaymentRefunded(), _, Payment(PaymentState.PAID):
            yield from _same(f"{event.amount} {event.currency}", f"{detail.amount} {detail.currency}")
        case PaymentRefunded(), _, _:
            yield f"{event.amount} {event.currency} of order {event.order_id} are refunded, and none are paid"
        case CreditLimitChanged(), Customer(), _:
            yield from _within(root.credit_used, event.credit_limit, "of the credit are used")
        case _:
            pass


def amount(event: Event) -> int:
    """Return how much stock (pieces) or money (minor units) an event moves; 0 if none."""
    match event:
        case StockReceived() | InventoryReserved() | InventoryReleased() | InventoryShipped():
            return event.quantity
        case PaymentProcessed() | PaymentRefunded():
            return event.amount
        case _:
            return 0


def imbalance(root: Any, moved: Mapping[str, int]) -> Iterator[str]:  # noqa: ANN401 (any decider's state)
    """Yield differences between an aggregate's state and the sum of its events, computed without the decider. `moved` is the sum by event type."""
    match root:
        case Product(on_hand, reserved, shipped):
            received, gone = moved.get("StockReceived", 0), moved.get("InventoryShipped", 0)
            left = moved.get("InventoryReserved", 0) - moved.get("InventoryReleased", 0) - gone
            if (received, left, gone) != (on_hand + shipped, reserved, shipped):
                told = f"{on_hand - reserved} available, {reserved} reserved, {shipped} shipped"
                yield f"of {received} pieces received {left} are left reserved and {gone} shipped, and there are {told}"
        case Customer(_, _, used):
            left = moved.get("PaymentProcessed", 0) - moved.get("PaymentRefunded", 0)
            if left != used:
                yield f"payments less refunds come to {left}, and {used} of the credit are used"
        case _:
            pass


def _total(event: OrderPlaced) -> Iterator[str]:
    total = sum(item.quantity * item.price for item in event.items)
    if total != event.total_amount:
        yield f"the items come to {total}, and totalAmount is {event.total_amount}"


def _once(detail: Reservation | Payment | None, given_back: ReservationState | PaymentState, what: str) -> Iterator[str]:
    if detail is not None and detail.state is not given_back:
        yield f"the order is {what} a second time"


def _within(taken: int, there: int, what: str) -> Iterator[str]:
    if taken > there:
        yield f"{taken} {what}, and there are {there}"


def _in_currency(paid: str, kept: str) -> Iterator[str]:
    if paid != kept:
        yield f"{paid} are paid out of {kept}"


def _same(given: str, taken: str) -> Iterator[str]:
    if given != taken:
        yield f"{given} are given back of {taken} that were taken"
