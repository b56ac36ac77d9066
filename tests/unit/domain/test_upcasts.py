"""Upcasters: events of earlier schema versions are read as current ones; later ones are never guessed."""

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from app.domain.order import order_decider
from schemas.upcasters import BrokenChain, NewerSchema, Payload, Step, Upcasters, upcasters
from tests.support.domain.examples import PLACED


def noted(version: int) -> Step:
    """Return a step from a version to the next that records its version."""
    return Step("Event", version, version + 1, lambda payload: {**payload, "passed": [*payload["passed"], version]})


def unchanged(payload: Payload) -> Payload:
    return payload


def test_an_order_placed_at_version_1_is_read_in_won_and_with_standard_shipping() -> None:
    payload = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 2, "price": 500}], "totalAmount": 1_000, "shippingAddress": "1 High Street"}

    read = order_decider.events["OrderPlaced"].model_validate(upcasters.upcast("OrderPlaced", 1, payload))

    assert read == PLACED.model_copy(update={"currency": "KRW"})


def test_an_event_at_todays_version_is_read_as_it_is() -> None:
    payload = {"currency": "EUR"}

    assert upcasters.upcast("OrderPlaced", 2, payload) is payload
    assert upcasters.version("OrderPlaced") == 2
    assert upcasters.version("OrderConfirmed") == 1


@for_all(st.integers(1, 10), st.data())
def test_the_steps_from_an_events_version_to_todays_are_taken_in_order_each_once(today: int, data: st.DataObject) -> None:
    chain = Upcasters({"Event": today}, data.draw(st.permutations([noted(version) for version in range(1, today)])))
    version = data.draw(st.integers(1, today))

    assert chain.upcast("Event", version, {"passed": []}) == {"passed": list(range(version, today))}


@pytest.mark.parametrize(("event_type", "version"), [("OrderPlaced", 3), ("OrderConfirmed", 2), ("OrderPlaced", 1_000)])
def test_a_schema_version_newer_than_known_stops_the_reader_and_is_named(event_type: str, version: int) -> None:
    with pytest.raises(NewerSchema, match=f"{event_type} has schemaVersion {version}"):
        upcasters.upcast(event_type, version, {})


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([noted(1)], id="a gap at the end"),
        pytest.param([noted(2)], id="a gap at the start"),
        pytest.param([noted(1), noted(1), noted(2)], id="a step twice"),
        pytest.param([noted(1), noted(2), noted(3)], id="a step beyond today's version"),
        pytest.param([noted(1), Step("Event", 2, 1, unchanged)], id="a cycle"),
        pytest.param([noted(1), Step("Event", 2, 2, unchanged)], id="a step on the spot"),
        pytest.param([Step("Event", 1, 3, unchanged), noted(2)], id="a step over a version"),
        pytest.param([noted(1), noted(2), Step("Other", 1, 2, unchanged)], id="a step of a type that is at version 1"),
    ],
)
def test_steps_that_do_not_lead_from_version_1_to_todays_are_refused_when_declared(steps: list[Step]) -> None:
    with pytest.raises(BrokenChain):
        Upcasters({"Event": 3}, steps)
