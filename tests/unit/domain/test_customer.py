"""Credit of a customer: its limit, and the used part."""

from typing import Any

from app.domain.customer import Registered, customer_decider
from schemas.customer import CreditLimitChanged, CustomerChanged, PaymentProcessed, PaymentRefunded
from tests.support.domain.examples import KNOWN, PAID
from tests.support.domain.scenario import given


def test_all_the_credit_that_is_left_can_be_used_and_no_unit_more() -> None:
    ada = given(customer_decider, KNOWN, PAID)

    ada.when("ProcessPayment", orderId="o-2", amount=600, currency="EUR").then(PaymentProcessed(order_id="o-2", amount=600, currency="EUR"))
    ada.when("ProcessPayment", orderId="o-2", amount=601, currency="EUR").refused("insufficient-credit")


def test_another_currency_is_found_before_missing_credit() -> None:
    given(customer_decider, KNOWN).when("ProcessPayment", orderId="o-1", amount=9_999, currency="USD").refused("currency-mismatch")


def test_a_payment_made_before_is_found_before_another_currency() -> None:
    given(customer_decider, KNOWN, PAID).when("ProcessPayment", orderId="o-1", amount=1, currency="USD").refused("already-exists", "PAID")


def test_a_refund_gives_back_what_was_paid() -> None:
    ada = given(customer_decider, KNOWN, PAID)

    ada.when("RefundPayment", orderId="o-1").then(PaymentRefunded(order_id="o-1", amount=400, currency="EUR"))
    assert ada.after("RefundPayment", orderId="o-1").root == Registered("EUR", credit_limit=1_000)


def test_the_limit_can_come_down_to_what_is_used_and_not_below() -> None:
    ada = given(customer_decider, KNOWN, PAID)

    ada.when("ChangeCreditLimit", creditLimit=400).then(CreditLimitChanged(credit_limit=400))
    ada.when("ChangeCreditLimit", creditLimit=399).refused("insufficient-credit")


def test_a_change_tells_only_what_was_changed() -> None:
    change = given(customer_decider, KNOWN).when("ChangeCustomer", email="ada@example.net")

    change.then(CustomerChanged(email="ada@example.net"))
    assert change.json == [b'{"email":"ada@example.net"}']


def test_a_change_of_nothing_is_invalid() -> None:
    given(customer_decider, KNOWN).when("ChangeCustomer").refused("invalid")


def test_what_was_refunded_is_paid_again_where_that_is_wanted_and_what_is_paid_is_not() -> None:
    refunded = given(customer_decider, KNOWN, PAID, PaymentRefunded(order_id="o-1", amount=400, currency="EUR"))
    pay: dict[str, Any] = {"orderId": "o-1", "amount": 300, "currency": "EUR", "again": True}

    refunded.when("ProcessPayment", **pay).then(PaymentProcessed(order_id="o-1", amount=300, currency="EUR"))
    given(customer_decider, KNOWN, PAID).when("ProcessPayment", **pay).refused("already-exists", "PAID")
