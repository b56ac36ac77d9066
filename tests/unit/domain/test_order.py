"""Events of an Order, and their contents."""

import pytest

from app.domain.order import order_decider, status
from schemas.envelopes import Event
from schemas.order import OrderCancelled, OrderConfirmed, OrderPlaced, OrderShipped
from tests.support.domain.examples import COMMANDS, CONFIRMED, ORDERS, PLACED
from tests.support.domain.scenario import AT, given


@pytest.mark.parametrize(("name", "history"), ORDERS.items())
def test_the_status_of_an_order_follows_from_its_events(name: str, history: tuple[Event, ...]) -> None:
    order = given(order_decider, *history)

    assert status(order.root) == name


def test_the_total_is_the_sum_of_the_lines_and_two_lines_of_one_product_are_two_lines() -> None:
    line = {"productId": "p-1", "quantity": 500_000, "price": 10**6}

    placed = given(order_decider).when("PlaceOrder", **{**COMMANDS["PlaceOrder"], "items": [line, line]})

    assert placed.answer.events[0].model_dump()["total_amount"] == 10**12
    assert len(placed.answer.events[0].model_dump()["items"]) == 2


def test_an_order_of_more_than_can_be_paid_is_refused_and_one_that_is_in_the_log_is_read() -> None:
    items = [{"productId": "p-1", "quantity": 1_000_000, "price": 10**6}, {"productId": "p-1", "quantity": 1, "price": 1}]
    placed = PLACED.model_dump(by_alias=True) | {"items": items, "totalAmount": 10**12 + 1}

    given(order_decider).when("PlaceOrder", **{**COMMANDS["PlaceOrder"], "items": items}).refused("invalid")
    assert status(given(order_decider, OrderPlaced.model_validate(placed)).root) == "PLACED"


def test_the_shipping_method_is_standard_unless_the_client_says_otherwise() -> None:
    given(order_decider).when("PlaceOrder", **COMMANDS["PlaceOrder"]).then(PLACED)
    given(order_decider).when("PlaceOrder", **COMMANDS["PlaceOrder"], shippingMethod="EXPRESS").then(PLACED.model_copy(update={"shipping_method": "EXPRESS"}))


def test_an_order_is_confirmed_at_the_brokers_time() -> None:
    given(order_decider, PLACED).when("ConfirmOrder").then(OrderConfirmed(confirmed_at=AT))


def test_a_tracking_number_is_kept_and_left_out_where_there_is_none() -> None:
    ready = given(order_decider, PLACED, CONFIRMED)

    ready.when("ShipOrder", trackingNumber="T-1").then(OrderShipped(tracking_number="T-1"))
    assert ready.when("ShipOrder").json == [b"{}"]


def test_a_cancellation_tells_its_reason() -> None:
    given(order_decider, PLACED).when("CancelOrder", reason="too late").then(OrderCancelled(reason="too late"))


def test_an_event_has_the_fields_of_the_contract_and_no_other() -> None:
    placed = given(order_decider).when("PlaceOrder", **COMMANDS["PlaceOrder"])

    assert b"".join(placed.json) == (
        b'{"customerId":"c-1","items":[{"productId":"p-1","quantity":2,"price":500}],"totalAmount":1000,"currency":"EUR",'
        b'"shippingAddress":"1 High Street","shippingMethod":"STANDARD"}'
    )
