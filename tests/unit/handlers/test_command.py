"""Parked records, refused commands and answered commands (contract, section 2: parked or refused)."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from app.domain.order import order_decider
from app.domain.product import product_decider
from app.eventsourcing.decider import Decider
from app.handlers.commands import ReceivedCommand, UndecodableCommand, peek, receive

CONFIRM: dict[str, Any] = {
    "commandId": "k-1",
    "commandType": "ConfirmOrder",
    "aggregateId": "o-1",
    "aggregateType": "Order",
    "timestamp": "2026-11-24T06:00:00Z",
    "metadata": {},
    "payload": {},
}
RESERVE = {**CONFIRM, "commandType": "ReserveInventory", "aggregateId": "p-1", "aggregateType": "Product"}


NO_TYPES: list[object] = ["ConfirmOrders", "ReceiveStock", "", None, 1, [], {}]
NO_COMMAND_IDS: list[object] = ["", "k 1", "k-1\n", "ü", "x" * 129, ".", "..", 1, None]
NO_AGGREGATE_IDS: list[object] = ["", "o/1", "o-1\n", 1]


def record(value: bytes | None, key: bytes | None = b"o-1", headers: tuple[tuple[str, bytes], ...] = ()) -> ConsumerRecord:
    return ConsumerRecord("commands.order", 0, 7, 1_764_000_000_123, 1, key, value, None, -1, -1, headers)


def sent(command: dict[str, Any], decider: Decider = order_decider) -> ReceivedCommand:
    """Return the command as received with the right key."""
    return receive(decider, record(json.dumps(command).encode(), str(command.get("aggregateId")).encode()))


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in CONFIRM.items() if key != name}


@pytest.mark.parametrize(
    ("reason", "value"),
    [
        ("undecodable", b"\xff"),
        ("undecodable", b"[]"),
        ("undecodable", b'{"commandId":"k-1","commandId":"k-2"}'),
        ("unknown-type", json.dumps(without("commandType")).encode()),
        *(("unknown-type", json.dumps({**CONFIRM, "commandType": kind}).encode()) for kind in NO_TYPES),
        ("invalid", json.dumps(without("commandId")).encode()),
        ("invalid", json.dumps(without("aggregateId")).encode()),
        *(("invalid", json.dumps({**CONFIRM, "commandId": bad}).encode()) for bad in NO_COMMAND_IDS),
        *(("invalid", json.dumps({**CONFIRM, "aggregateId": bad}).encode()) for bad in NO_AGGREGATE_IDS),
        ("invalid", None),
    ],
)
def test_what_cannot_be_answered_as_a_command_is_parked(reason: str, value: bytes | None) -> None:
    with pytest.raises(UndecodableCommand) as unreadable:
        receive(order_decider, record(value))

    assert unreadable.value.reason == reason


@pytest.mark.parametrize("key", [None, b"", b"o-2", b"\xff"])
def test_a_command_whose_key_is_not_its_aggregate_is_parked(key: bytes | None) -> None:
    with pytest.raises(UndecodableCommand) as unreadable:
        receive(order_decider, record(json.dumps(CONFIRM).encode(), key))

    assert unreadable.value.reason == "invalid"


@pytest.mark.parametrize(
    "command",
    [
        *(without(name) for name in ("aggregateType", "timestamp", "metadata", "payload")),
        {**CONFIRM, "aggregateType": "Product"},
        {**CONFIRM, "expectedVersion": "1"},
        {**CONFIRM, "metadata": {"replyTo": "saga.order-fulfilment"}},
        {**CONFIRM, "payload": []},
        {**CONFIRM, "priority": 1},
    ],
)
def test_everything_else_that_is_wrong_with_an_envelope_is_refused_invalid(command: dict[str, Any]) -> None:
    received = sent(command)

    assert received.refusal is not None
    assert received.refusal.code == "invalid"


def test_a_command_that_says_no_correlation_id_is_its_own() -> None:
    received = sent(CONFIRM)

    assert received.refusal is None
    assert ("correlation-id", b"k-1") in received.headers
    assert json.loads(received.metadata) == {"correlationId": "k-1", "causationId": "k-1"}


def test_what_a_command_causes_is_correlated_as_the_command_is_and_caused_by_it() -> None:
    received = sent({**CONFIRM, "metadata": {"correlationId": "c-1", "causationId": "e-1", "userId": "u-1", "traceId": "t-1"}})

    assert ("correlation-id", b"c-1") in received.headers
    assert json.loads(received.metadata) == {"correlationId": "c-1", "causationId": "k-1", "userId": "u-1", "traceId": "t-1"}


def test_a_command_whose_envelope_is_at_fault_elsewhere_keeps_its_metadata() -> None:
    received = sent({**CONFIRM, "unknown": 1, "metadata": {"correlationId": "c-1"}})

    assert ("correlation-id", b"c-1") in received.headers
    assert received.refusal is not None


def test_what_is_good_of_faulty_metadata_is_kept() -> None:
    received = sent({**CONFIRM, "metadata": {"correlationId": "c-1", "userId": 5, "replyTo": {"topic": "saga.order-fulfilment", "key": "o-1"}, "x": 1}})

    assert received.refusal is not None
    assert json.loads(received.metadata) == {"correlationId": "c-1", "causationId": "k-1"}
    assert received.reply_to is not None
    assert received.reply_to.key == "o-1"


def test_the_time_of_a_command_is_the_brokers_and_not_the_senders() -> None:
    assert sent(CONFIRM).at == "2025-11-24T16:00:00.123Z"


def test_a_traceparent_is_taken_over_from_the_headers() -> None:
    traced = record(json.dumps(CONFIRM).encode(), headers=(("traceparent", b"00-1-2-01"),))

    assert ("traceparent", b"00-1-2-01") in receive(order_decider, traced).headers
    assert "traceparent" not in dict(sent(CONFIRM).headers)


@pytest.mark.parametrize(
    ("payload", "named"),
    [
        ({"orderId": "o-1", "quantity": 1}, "o-1"),
        ({"orderId": "o-1", "quantity": "many"}, "o-1"),
        ({"orderId": ["o-1"]}, None),
        ({"orderId": "o 1"}, None),
        ({}, None),
    ],
)
def test_the_order_is_known_before_the_payload_is_checked(payload: dict[str, Any], named: str | None) -> None:
    assert sent({**RESERVE, "payload": payload}, product_decider).order_id == named


def test_a_command_that_names_no_order_has_none_even_if_its_payload_does() -> None:
    assert sent({**CONFIRM, "payload": {"orderId": "o-1"}}).order_id is None


@pytest.mark.parametrize(
    "command",
    [
        {**CONFIRM, "commandType": "ConfirmOrders"},
        {**CONFIRM, "commandType": {"of": "another"}},
        without("commandType"),
        without("aggregateId"),
        {**CONFIRM, "aggregateId": 1},
    ],
)
def test_a_parked_record_is_answered_where_its_command_id_can_be_read(command: dict[str, Any]) -> None:
    peeked = peek(order_decider, record(json.dumps(command).encode()))

    assert peeked is not None
    assert (peeked.command_id, peeked.aggregate_id) == ("k-1", "o-1")


@pytest.mark.parametrize("value", [None, b"\xff", json.dumps(without("commandId")).encode(), json.dumps({**CONFIRM, "commandId": "k 1"}).encode()])
def test_a_parked_record_without_a_readable_command_id_is_not_answered(value: bytes | None) -> None:
    assert peek(order_decider, record(value)) is None
