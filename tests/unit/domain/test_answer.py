"""The order of checks, and valid payloads (contract, section 2)."""

from collections.abc import Sequence
from typing import Any

import pytest

from app.domain.customer import customer_decider
from app.domain.order import order_decider
from app.domain.product import product_decider
from app.domain.registry import DECIDERS
from app.eventsourcing.decide import MESSAGE_LENGTH, parse
from app.eventsourcing.decider import Decider
from schemas.envelopes import Refusal
from tests.support.domain.examples import COMMANDS, KNOWN, OFFERED, PLACED
from tests.support.domain.scenario import given

LINE = COMMANDS["PlaceOrder"]["items"][0]
ABSENT = object()

Case = tuple[Decider, str, str, Any]


def cases(decider: Decider, command: str, name: str, values: Sequence[object]) -> list[Case]:
    return [(decider, command, name, value) for value in values]


WRONG_LINES: list[dict[str, object]] = [{"quantity": 0}, {"price": True}, {"productId": ""}, {"colour": "red"}, {"product_id": "p-1"}]

WRONG: list[Case] = [
    *cases(product_decider, "ReceiveStock", "quantity", [0, 1_000_001, 1.0, "1", True, None, [], ABSENT]),
    *cases(product_decider, "RegisterProduct", "price", [-1, 10**12 + 1, 10**30, 5.0, "5", False]),
    *cases(product_decider, "RegisterProduct", "name", ["", "x" * 501, 7, None]),
    *cases(product_decider, "RegisterProduct", "currency", ["", "eur", "EU", "EURO", "EUR\n", "ZZZ", 978]),
    *cases(product_decider, "ReserveInventory", "orderId", ["", "o 1", "o/1", "ö", "o-1\n", "x" * 129, 1]),
    *cases(order_decider, "PlaceOrder", "items", [[], [LINE] * 1_001, {}, "items", None, [None]]),
    *cases(order_decider, "PlaceOrder", "items", [[{**LINE, **wrong}] for wrong in WRONG_LINES]),
    *cases(order_decider, "PlaceOrder", "customerId", [ABSENT]),
    *cases(order_decider, "PlaceOrder", "customer_id", ["c-1"]),
    *cases(order_decider, "PlaceOrder", "totalAmount", [1_000]),
    *cases(order_decider, "PlaceOrder", "shippingMethod", [None]),
    *cases(order_decider, "ShipOrder", "trackingNumber", [None, "", 1]),
    *cases(order_decider, "ConfirmOrder", "force", [True]),
    *cases(customer_decider, "ChangeCustomer", "email", [None]),
    *cases(customer_decider, "ChangeCreditLimit", "creditLimit", [10**12 + 1]),
]

RIGHT: list[Case] = [
    *cases(product_decider, "ReceiveStock", "quantity", [1, 1_000_000]),
    *cases(product_decider, "RegisterProduct", "price", [0, 10**12]),
    *cases(product_decider, "RegisterProduct", "name", ["x", "ü" * 500]),
    *cases(product_decider, "ReserveInventory", "orderId", ["o", "x" * 128, "AZaz09._~:@-"]),
    (order_decider, "PlaceOrder", "items", [LINE] * 1_000),
]


def payload_of(command: str, name: str, value: object) -> dict[str, Any]:
    payload = {**COMMANDS[command], name: value}
    return {field: given_value for field, given_value in payload.items() if given_value is not ABSENT}


@pytest.mark.parametrize(("decider", "command", "name", "value"), WRONG)
def test_a_field_that_breaks_the_contract_is_refused_invalid_and_named(decider: Decider, command: str, name: str, value: object) -> None:
    outcome = given(decider).when(command, **payload_of(command, name, value))

    outcome.refused("invalid")
    assert outcome.answer.refusal is not None
    assert f"payload.{name}" in outcome.answer.refusal.message


@pytest.mark.parametrize(("decider", "command", "name", "value"), RIGHT)
def test_a_field_at_its_bounds_is_valid(decider: Decider, command: str, name: str, value: object) -> None:
    outcome = given(decider).when(command, **payload_of(command, name, value))

    assert outcome.brief != "invalid"


@pytest.mark.parametrize(("decider", "command"), [(decider, command) for decider in DECIDERS for command in decider.commands])
def test_every_command_refuses_an_unknown_field(decider: Decider, command: str) -> None:
    given(decider).when(command, **COMMANDS[command], unknown=1).refused("invalid")


def test_a_field_under_its_name_in_python_stands_for_nothing() -> None:
    given(product_decider, *OFFERED).when("ReleaseInventory", order_id="o-1").refused("invalid")


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([{**LINE, "quantity": 0}], "payload.items.0.quantity: Input should be greater than or equal to 1"),
        ([None, LINE], "payload.items.0: Input should be an object"),
        ([None], "payload.items.0: Input should be an object"),
        ({}, "payload.items: Input should be an array"),
        ([], "payload.items: Tuple should have at least 1 item after validation, not 0"),
    ],
)
def test_a_fault_in_the_items_is_told_alone_and_in_the_words_of_json(items: object, message: str) -> None:
    refusal = parse(order_decider, "PlaceOrder", payload_of("PlaceOrder", "items", items))

    assert refusal == Refusal(code="invalid", message=message)


def test_a_payload_that_is_no_object_is_told_so() -> None:
    assert parse(order_decider, "ConfirmOrder", []) == Refusal(code="invalid", message="payload: Input should be an object")


def test_a_message_stays_short_and_tells_no_value() -> None:
    name = "x" * 10_000
    refusal = given(customer_decider).when("RegisterCustomer", **{**COMMANDS["RegisterCustomer"], "email": ["ada@example.org"], name: 1}).answer.refusal

    assert refusal is not None
    assert len(refusal.message) == MESSAGE_LENGTH
    assert "ada@" not in refusal.message


def test_invalid_is_found_before_a_version_conflict() -> None:
    given(order_decider, PLACED).when("CancelOrder", expected_version=7).refused("invalid")


def test_a_version_conflict_is_found_before_all_that_the_domain_refuses() -> None:
    given(order_decider).when("ConfirmOrder", expected_version=1).refused("version-conflict")
    given(order_decider, PLACED).when("PlaceOrder", expected_version=0, **COMMANDS["PlaceOrder"]).refused("version-conflict")
    given(product_decider, *OFFERED).when("ReleaseInventory", expected_version=1, orderId="o-1").refused("version-conflict")


def test_the_version_expected_is_that_of_the_last_event_and_0_before_the_first() -> None:
    assert given(customer_decider).when("RegisterCustomer", expected_version=0, **COMMANDS["RegisterCustomer"]).brief == "CustomerRegistered"
    assert given(customer_decider, KNOWN).when("ChangeCustomer", expected_version=1, name="Ada L.").brief == "CustomerChanged"
