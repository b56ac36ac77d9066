"""Conservation of stock and money: verify reports events that create or lose some."""

from typing import Any

import pytest

from app.domain import customer, product
from app.domain.customer import Payment, PaymentState
from app.domain.product import Reservation, ReservationState
from app.verify.write_side.conservation import amount, imbalance, losses
from schemas.customer import CreditLimitChanged, PaymentProcessed, PaymentRefunded
from schemas.envelopes import Event
from schemas.order import OrderItem, OrderPlaced
from schemas.product import InventoryReleased, InventoryReserved, InventoryShipped, StockReceived

STOCK = product.Registered(on_hand=5, reserved=2)
CREDIT = customer.Registered("EUR", credit_limit=100, credit_used=40)
RESERVED, RELEASED = (Reservation(state, 2) for state in (ReservationState.RESERVED, ReservationState.RELEASED))
PAID, REFUNDED = (Payment(state, 40, "EUR") for state in (PaymentState.PAID, PaymentState.REFUNDED))


def placed(total: int) -> OrderPlaced:
    item = OrderItem(product_id="p", quantity=2, price=5)
    return OrderPlaced(customer_id="c", items=(item, item), total_amount=total, currency="EUR", shipping_address="Here", shipping_method="STANDARD")


@pytest.mark.parametrize(
    ("event", "root", "detail", "loss"),
    [
        (placed(21), None, None, "the items come to 20, and totalAmount is 21"),
        (InventoryReserved(order_id="o", quantity=4), STOCK, None, "4 pieces are reserved, and there are 3"),
        (InventoryReserved(order_id="o", quantity=1), STOCK, RESERVED, "the order is reserved a second time"),
        (InventoryReleased(order_id="o", quantity=1), STOCK, RESERVED, "1 pieces are given back of 2 pieces that were taken"),
        (InventoryShipped(order_id="o", quantity=2), STOCK, RELEASED, "2 pieces of order o are given up, and none are reserved"),
        (PaymentProcessed(order_id="o", amount=61, currency="EUR"), CREDIT, None, "61 EUR are paid, and there are 60"),
        (PaymentProcessed(order_id="o", amount=1, currency="EUR"), CREDIT, PAID, "the order is paid a second time"),
        (PaymentProcessed(order_id="o", amount=1, currency="USD"), CREDIT, None, "USD are paid out of EUR"),
        (PaymentRefunded(order_id="o", amount=41, currency="EUR"), CREDIT, PAID, "41 EUR are given back of 40 EUR that were taken"),
        (PaymentRefunded(order_id="o", amount=40, currency="USD"), CREDIT, PAID, "40 USD are given back of 40 EUR that were taken"),
        (PaymentRefunded(order_id="o", amount=40, currency="EUR"), CREDIT, REFUNDED, "40 EUR of order o are refunded, and none are paid"),
        (CreditLimitChanged(credit_limit=39), CREDIT, None, "40 of the credit are used, and there are 39"),
    ],
)
def test_what_is_not_conserved_is_told(event: Event, root: Any, detail: Any, loss: str) -> None:  # noqa: ANN401 (any decider's states)
    assert list(losses(event, root, detail)) == [loss]


@pytest.mark.parametrize(
    ("event", "root", "detail"),
    [
        (placed(20), None, None),
        (InventoryReserved(order_id="o", quantity=3), STOCK, None),
        (InventoryReserved(order_id="o", quantity=1), STOCK, RELEASED),
        (InventoryShipped(order_id="o", quantity=2), STOCK, RESERVED),
        (PaymentProcessed(order_id="o", amount=1, currency="EUR"), CREDIT, REFUNDED),
        (PaymentProcessed(order_id="o", amount=60, currency="EUR"), CREDIT, None),
        (PaymentRefunded(order_id="o", amount=40, currency="EUR"), CREDIT, PAID),
        (CreditLimitChanged(credit_limit=40), CREDIT, None),
    ],
)
def test_what_is_conserved_is_not(event: Event, root: Any, detail: Any) -> None:  # noqa: ANN401 (any decider's states)
    assert list(losses(event, root, detail)) == []


STOCK_MOVED = {"StockReceived": 9, "InventoryReserved": 7, "InventoryReleased": 1, "InventoryShipped": 4}
CREDIT_MOVED = {"PaymentProcessed": 50, "PaymentRefunded": 10}


@pytest.mark.parametrize(("root", "moved"), [(product.Registered(5, 2, 4), STOCK_MOVED), (CREDIT, CREDIT_MOVED), (customer.Unregistered(), {}), (None, {})])
def test_an_aggregate_that_has_what_its_events_left_is_in_balance(root: Any, moved: dict[str, int]) -> None:  # noqa: ANN401 (any decider's states)
    assert list(imbalance(root, moved)) == []


@pytest.mark.control
@pytest.mark.parametrize(
    ("root", "moved", "wrong"),
    [
        (product.Registered(9, 2, 4), STOCK_MOVED, "of 9 pieces received 2 are left reserved and 4 shipped, and there are 7 available, 2 reserved, 4 shipped"),
        (product.Registered(5, 3, 4), STOCK_MOVED, "of 9 pieces received 2 are left reserved and 4 shipped, and there are 2 available, 3 reserved, 4 shipped"),
        (product.Registered(6, 2, 3), STOCK_MOVED, "of 9 pieces received 2 are left reserved and 4 shipped, and there are 4 available, 2 reserved, 3 shipped"),
        (CREDIT, {"PaymentProcessed": 50}, "payments less refunds come to 50, and 40 of the credit are used"),
    ],
)
def test_one_that_has_not_is_found(root: Any, moved: dict[str, int], wrong: str) -> None:  # noqa: ANN401 (any decider's states)
    assert list(imbalance(root, moved)) == [wrong]


@pytest.mark.parametrize(
    ("event", "moved"),
    [
        (StockReceived(quantity=3), 3),
        (InventoryReserved(order_id="o", quantity=2), 2),
        (PaymentProcessed(order_id="o", amount=7, currency="EUR"), 7),
        (CreditLimitChanged(credit_limit=39), 0),
        (placed(20), 0),
    ],
)
def test_only_what_moves_stock_or_money_is_counted(event: Event, moved: int) -> None:
    assert amount(event) == moved
