"""Messages on the wire (contract, section 2): envelopes, and the marks on personal fields."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from app.domain.customer import customer_decider
from app.domain.order import order_decider
from app.domain.registry import DECIDERS
from app.eventsourcing.decider import Decider
from schemas.envelopes import CommandEnvelope, EventEnvelope, Message, payload_json
from schemas.order import OrderPlaced
from schemas.product import ProductRegistered, RegisterProduct
from tests.support.domain.examples import PLACED
from tests.support.domain.scenario import AT

COMMAND: dict[str, Any] = {
    "commandId": "k-1",
    "commandType": "ConfirmOrder",
    "aggregateId": "o-1",
    "aggregateType": "Order",
    "timestamp": AT,
    "metadata": {},
    "payload": {},
}
EVENT: dict[str, Any] = {
    "eventId": "e-1",
    "eventType": "OrderShipped",
    "aggregateId": "o-1",
    "aggregateType": "Order",
    "version": 3,
    "timestamp": AT,
    "metadata": {"correlationId": "k-1", "causationId": "k-1"},
    "payload": {},
}
WRONG_REPLIES: list[object] = [None, {}, {"topic": "saga.order-fulfilment"}, {"topic": "t", "key": "k", "partition": 1}]
WRONG: dict[str, list[object]] = {
    "expectedVersion": [-1, 1.0, "1", True, None],
    "timestamp": ["yesterday", "2026-13-01T00:00:00Z", "2026-11-24T06:00:00", "2026-11-24", 1_764_000_000, f"{AT}\n"],
    "metadata": [{"userId": None}, {"userId": ""}, {"session": "s-1"}, {"correlation_id": "k-1"}, [], *({"replyTo": to} for to in WRONG_REPLIES)],
    "payload": [None, [], "{}"],
    "expected_version": [1],
    "priority": [1],
}
PERSONAL = {"name", "email", "shippingAddress"}


def test_a_command_needs_no_more_than_the_contract_asks_for() -> None:
    command = CommandEnvelope.model_validate(COMMAND)

    assert (command.expected_version, command.metadata.reply_to) == (None, None)


@pytest.mark.parametrize("name", COMMAND)
def test_a_command_without_one_of_its_parts_is_invalid(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        CommandEnvelope.model_validate({key: value for key, value in COMMAND.items() if key != name})


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_command_with_a_part_that_breaks_the_contract_is_invalid(name: str, value: object) -> None:
    with pytest.raises(ValidationError):
        CommandEnvelope.model_validate({**COMMAND, name: value})


@pytest.mark.parametrize("timestamp", [AT, "2026-11-24T06:00:00Z", "2026-11-24T06:00:00.123456+09:00", "2016-12-31t23:59:60z"])
def test_any_date_and_time_of_rfc_3339_will_do_in_a_command(timestamp: str) -> None:
    assert CommandEnvelope.model_validate({**COMMAND, "timestamp": timestamp}).timestamp == timestamp


def test_an_event_without_schema_version_is_version_1() -> None:
    assert EventEnvelope.model_validate(EVENT).schema_version == 1


def test_an_unknown_field_in_an_event_is_ignored_by_whoever_reads_it() -> None:
    assert EventEnvelope.model_validate({**EVENT, "shard": 7}) == EventEnvelope.model_validate(EVENT)


@pytest.mark.parametrize("model", [model for decider in DECIDERS for model in [*decider.commands.values(), *decider.events.values()]])
def test_a_payload_is_frozen_and_named_in_camel_case(model: type[Message]) -> None:
    assert model.model_config["frozen"]
    assert "_" not in json.dumps(list(model.model_json_schema()["properties"]))


@pytest.mark.parametrize("decider", [order_decider, customer_decider])
def test_personal_fields_are_marked_and_no_others(decider: Decider) -> None:
    for model in [*decider.commands.values(), *decider.events.values()]:
        properties = model.model_json_schema()["properties"]
        marked = {name for name, schema in properties.items() if '"personal": true' in json.dumps(schema)}

        assert marked == properties.keys() & PERSONAL


def test_an_unknown_field_in_an_events_payload_is_ignored_at_every_depth() -> None:
    placed = json.loads(payload_json(PLACED))
    later = {**placed, "giftWrap": True, "items": [{**item, "colour": "red"} for item in placed["items"]]}

    assert OrderPlaced.model_validate(later) == PLACED


def test_a_currency_that_was_withdrawn_is_read_in_events_and_refused_in_commands() -> None:
    kuna = {"name": "Lamp", "price": 500, "currency": "HRK"}

    assert ProductRegistered.model_validate(kuna).currency == "HRK"
    with pytest.raises(ValidationError, match="ISO 4217"):
        RegisterProduct.read(kuna)
