"""Integration events and notifications that leave Foldstream, and their ids."""

import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.domain import integration_events
from app.domain.order import order_decider, status
from app.domain.registry import EVENT_SOURCED
from app.eventsourcing.ids import event_id
from schemas.envelopes import Event, payload_json
from schemas.integration import Notification
from schemas.order import OrderShipped
from tests.support.domain.examples import ORDERS
from tests.support.domain.scenario import given

IDS = st.text("ABCabc019._~:@-", min_size=1, max_size=128)
PLACE = st.tuples(IDS, IDS, IDS, st.integers(0, 999))


def test_a_domain_event_that_nobody_has_thought_about_is_found_at_start_up() -> None:
    with pytest.raises(ValueError, match="OrderReturned of Order is neither published nor left out"):
        replace(order_decider, events={**order_decider.events, "OrderReturned": OrderShipped})


def test_only_orders_are_told_of() -> None:
    assert [decider for decider in EVENT_SOURCED if decider.publication] == [order_decider]
    assert integration_events.ORDERS.events.keys() == order_decider.events.keys()


@pytest.mark.parametrize("history", [history for history in ORDERS.values() if history])
def test_a_notification_tells_the_status_that_the_event_led_to(history: tuple[Event, ...]) -> None:
    outside = integration_events.ORDERS.events[type(history[-1]).__name__]

    assert outside is not None
    assert outside.status == status(given(order_decider, *history).root)
    assert outside.ce_type == f"foldstream.order.{outside.status.lower()}.v1"


@pytest.mark.parametrize("history", [history for history in ORDERS.values() if history])
def test_an_integration_event_is_the_payload_and_the_orders_id(history: tuple[Event, ...]) -> None:
    outside = integration_events.ORDERS.events[type(history[-1]).__name__]
    value = {**json.loads(payload_json(history[-1])), "orderId": "o-1"}

    assert outside is not None
    assert json.loads(payload_json(outside.schema.model_validate(value))) == value


def test_a_notification_is_id_status_and_version() -> None:
    assert payload_json(Notification(order_id="o-1", status="PLACED", version=1)) == b'{"orderId":"o-1","status":"PLACED","version":1}'


@for_all(PLACE, PLACE)
def test_an_event_id_is_the_same_for_the_same_place_and_another_for_another(one: tuple[str, str, str, int], other: tuple[str, str, str, int]) -> None:
    assert event_id(*one) == event_id(*one)
    assert (event_id(*one) == event_id(*other)) == (one == other)


def test_ids_that_run_together_differently_give_different_event_ids() -> None:
    assert event_id("Order", "a", "bc", 1) != event_id("Order", "ab", "c", 1)
    assert event_id("Order", "a", "b", 11) != event_id("Order", "a", "b1", 1)


def test_an_event_id_is_128_bits_in_hex() -> None:
    assert uuid.UUID(event_id("Order", "o-1", "k-1", 0)).hex == event_id("Order", "o-1", "k-1", 0)
