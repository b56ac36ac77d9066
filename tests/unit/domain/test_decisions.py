"""The contract's tables of section 3, written out: every command in every state."""

from enum import StrEnum
from itertools import product as pairs
from typing import get_args

import pytest

from app.domain import customer, product
from app.domain.customer import Payment, PaymentState, customer_decider
from app.domain.order import Order, order_decider
from app.domain.product import Reservation, ReservationState, product_decider
from app.eventsourcing.decider import Decider
from schemas.envelopes import Event
from tests.support.domain.examples import COMMANDS, CUSTOMERS, ORDERS, PRODUCTS
from tests.support.domain.scenario import given

States = dict[str, tuple[Event, ...]]
Rows = dict[str, list[str]]
"""Outcomes by command type, one for each state, in the order of the states."""

ORDER_ROWS: Rows = {
    "PlaceOrder": ["OrderPlaced", "already-exists PLACED", "already-exists CONFIRMED", "already-exists SHIPPED", "already-exists CANCELLED"],
    "ConfirmOrder": ["not-found", "OrderConfirmed", "illegal-transition CONFIRMED", "illegal-transition SHIPPED", "illegal-transition CANCELLED"],
    "ShipOrder": ["not-found", "illegal-transition PLACED", "OrderShipped", "illegal-transition SHIPPED", "illegal-transition CANCELLED"],
    "CancelOrder": ["not-found", "OrderCancelled", "OrderCancelled", "illegal-transition SHIPPED", "illegal-transition CANCELLED"],
}
PRODUCT_ROWS: Rows = {
    "RegisterProduct": ["ProductRegistered", "already-exists", "already-exists", "already-exists", "already-exists"],
    "ReceiveStock": ["unknown-product", "StockReceived", "StockReceived", "StockReceived", "StockReceived"],
    "ReserveInventory": ["unknown-product", "InventoryReserved", "already-exists RESERVED", "already-exists RELEASED", "already-exists SHIPPED"],
    "ReleaseInventory": ["unknown-product", "not-found", "InventoryReleased", "illegal-transition RELEASED", "illegal-transition SHIPPED"],
    "ShipInventory": ["unknown-product", "not-found", "InventoryShipped", "illegal-transition RELEASED", "illegal-transition SHIPPED"],
}
CUSTOMER_ROWS: Rows = {
    "RegisterCustomer": ["CustomerRegistered", "already-exists", "already-exists", "already-exists"],
    "ChangeCustomer": ["unknown-customer", "CustomerChanged", "CustomerChanged", "CustomerChanged"],
    "ChangeCreditLimit": ["unknown-customer", "CreditLimitChanged", "CreditLimitChanged", "CreditLimitChanged"],
    "ProcessPayment": ["unknown-customer", "PaymentProcessed", "already-exists PAID", "already-exists REFUNDED"],
    "RefundPayment": ["unknown-customer", "not-found", "PaymentRefunded", "illegal-transition REFUNDED"],
}
TABLES: list[tuple[Decider, States, Rows]] = [
    (order_decider, ORDERS, ORDER_ROWS),
    (product_decider, PRODUCTS, PRODUCT_ROWS),
    (customer_decider, CUSTOMERS, CUSTOMER_ROWS),
]

CELLS = [
    pytest.param(decider, states[state], command, dict(zip(states, rows[command], strict=True))[state], id=f"{command}-{state}")
    for decider, states, rows in TABLES
    for command, state in pairs(decider.commands, states)
]
"""Cells of the tables, by the deciders' own commands. A command without a row fails the collection."""


def columns(nothing: type, registered: type, states: type[StrEnum]) -> set[tuple[type, StrEnum | None]]:
    """Return every combination of root and detail: none for an unregistered aggregate, none or any state for a registered one."""
    return {(nothing, None), (registered, None), *((registered, state) for state in states)}


def state_of(detail: Reservation | Payment | None) -> StrEnum | None:
    return detail.state if detail else None


@pytest.mark.parametrize(("decider", "history", "command", "expected"), CELLS)
def test_each_command_in_each_state_is_answered_as_the_contract_says(decider: Decider, history: tuple[Event, ...], command: str, expected: str) -> None:
    aggregate = given(decider, *history)

    outcome = aggregate.when(command, **COMMANDS[command])

    assert outcome.brief == expected


@pytest.mark.parametrize(("decider", "states", "rows"), TABLES)
def test_the_tables_speak_of_no_command_that_does_not_exist(decider: Decider, states: States, rows: Rows) -> None:
    assert rows.keys() == decider.commands.keys()
    assert {type(event) for history in states.values() for event in history} <= set(decider.events.values())


@pytest.mark.parametrize(("decider", "history", "command", "expected"), CELLS)
def test_a_refusal_leaves_the_aggregate_as_it_was(decider: Decider, history: tuple[Event, ...], command: str, expected: str) -> None:
    aggregate = given(decider, *history)

    answer = aggregate.when(command, **COMMANDS[command]).answer

    assert (answer.refusal is None) == (expected in decider.events)
    assert answer.refusal is None or answer.root is aggregate.root


def test_the_tables_have_a_column_for_every_state_there_is() -> None:
    orders = {type(given(order_decider, *history).root) for history in ORDERS.values()}
    products = [given(product_decider, *history) for history in PRODUCTS.values()]
    customers = [given(customer_decider, *history) for history in CUSTOMERS.values()]

    assert orders == set(get_args(Order))
    assert {(type(one.root), state_of(one.details.get("o-1"))) for one in products} == columns(product.Unregistered, product.Registered, ReservationState)
    assert {(type(one.root), state_of(one.details.get("o-1"))) for one in customers} == columns(customer.Unregistered, customer.Registered, PaymentState)
