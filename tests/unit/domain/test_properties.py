"""Properties that hold after any commands in any order."""

import json
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.domain import customer, product
from app.domain.customer import PaymentState, customer_decider
from app.domain.order import order_decider
from app.domain.product import ReservationState, product_decider
from app.domain.registry import DECIDERS
from app.eventsourcing.decider import Decider
from schemas.envelopes import Event, payload_json
from tests.support.domain.scenario import Scenario, given

Asking = tuple[str, dict[str, Any]]

ORDER_ID = st.sampled_from(["o-1", "o-2", "o-3"])
PIECES = st.integers(1, 20)
AMOUNT = st.integers(0, 20)
CURRENCY = st.sampled_from(["EUR", "EUR", "EUR", "USD"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
ITEMS = st.lists(st.fixed_dictionaries({"productId": ORDER_ID, "quantity": st.integers(1, 10**6), "price": st.integers(0, 10**12)}), min_size=1, max_size=3)

ASKINGS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "PlaceOrder": {"customerId": ORDER_ID, "items": ITEMS, "shippingAddress": TEXT, "currency": CURRENCY},
    "ConfirmOrder": {},
    "ShipOrder": {"trackingNumber": TEXT},
    "CancelOrder": {"reason": TEXT},
    "RegisterProduct": {"name": TEXT, "price": AMOUNT, "currency": CURRENCY},
    "ReceiveStock": {"quantity": PIECES},
    "ReserveInventory": {"orderId": ORDER_ID, "quantity": PIECES},
    "ReleaseInventory": {"orderId": ORDER_ID},
    "ShipInventory": {"orderId": ORDER_ID},
    "RegisterCustomer": {"name": TEXT, "email": TEXT, "creditLimit": AMOUNT, "currency": CURRENCY},
    "ChangeCustomer": {"name": TEXT},
    "ChangeCreditLimit": {"creditLimit": AMOUNT},
    "ProcessPayment": {"orderId": ORDER_ID, "amount": AMOUNT, "currency": CURRENCY},
    "RefundPayment": {"orderId": ORDER_ID},
}

for_each_decider = pytest.mark.parametrize("decider", DECIDERS, ids=[decider.aggregate_type for decider in DECIDERS])


def askings(decider: Decider) -> st.SearchStrategy[list[Asking]]:
    one = [st.tuples(st.just(command), st.fixed_dictionaries(ASKINGS[command])) for command in decider.commands]
    return st.lists(st.one_of(one), max_size=30)


def lives(decider: Decider) -> st.SearchStrategy[Scenario]:
    """Draw an aggregate after some commands, accepted or not."""
    return askings(decider).map(lambda asked: live(decider, asked))


def live(decider: Decider, asked: list[Asking]) -> Scenario:
    scenario = given(decider)
    for command, payload in asked:
        scenario.after(command, **payload)
    return scenario


def read_again(event: Event) -> Event:
    """Return the event as a reader of the log gets it."""
    return type(event).model_validate(json.loads(payload_json(event)))


@for_each_decider
@for_all(st.data())
def test_the_events_read_from_the_log_give_the_same_aggregate(decider: Decider, data: st.DataObject) -> None:
    lived = data.draw(lives(decider))

    folded = given(decider, *(read_again(event) for event in lived.events))

    assert (folded.root, folded.details, folded.events) == (lived.root, lived.details, lived.events)


@for_each_decider
@for_all(st.data())
def test_the_state_in_an_answer_is_the_fold_of_its_events(decider: Decider, data: st.DataObject) -> None:
    lived = data.draw(lives(decider))
    command = data.draw(st.sampled_from(list(decider.commands)))
    payload = data.draw(st.fixed_dictionaries(ASKINGS[command]))

    answer = lived.when(command, **payload).answer

    assert answer.root == lived.after(command, **payload).root
    assert answer.detail == lived.details.get(str(payload.get("orderId")))


@for_each_decider
@for_all(st.data())
def test_deciding_again_gives_the_same_bytes(decider: Decider, data: st.DataObject) -> None:
    asked = data.draw(askings(decider))

    first, second = live(decider, asked), live(decider, asked)

    assert [payload_json(event) for event in first.events] == [payload_json(event) for event in second.events]


@for_all(lives(product_decider))
def test_what_is_reserved_is_on_hand_and_is_what_the_reservations_say(lived: Scenario) -> None:
    reservations = [detail for detail in lived.details.values() if detail is not None]
    reserved = sum(detail.quantity for detail in reservations if detail.state is ReservationState.RESERVED)
    shipped = sum(detail.quantity for detail in reservations if detail.state is ReservationState.SHIPPED)

    match lived.root:
        case product.Registered(on_hand=on_hand):
            assert 0 <= reserved <= on_hand
            assert (lived.root.reserved, lived.root.shipped) == (reserved, shipped)
        case _:
            assert lived.events == []


@for_all(lives(customer_decider))
def test_what_is_used_is_within_the_limit_and_is_what_the_payments_say(lived: Scenario) -> None:
    payments = [detail for detail in lived.details.values() if detail is not None]
    used = sum(detail.amount for detail in payments if detail.state is PaymentState.PAID)

    match lived.root:
        case customer.Registered(credit_limit=limit):
            assert 0 <= used <= limit
            assert lived.root.credit_used == used
        case _:
            assert lived.events == []


@for_all(lives(order_decider))
def test_an_order_is_placed_once_and_ends_once(lived: Scenario) -> None:
    types = [type(event).__name__ for event in lived.events]

    assert len(types) == len(set(types))
    assert not {"OrderShipped", "OrderCancelled"} <= set(types)
    assert types[:1] in ([], ["OrderPlaced"])
