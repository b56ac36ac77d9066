"""Foldstream as an engine of a driver that does not know it: messages enter and leave in the job's form."""

from pathlib import Path

import msgspec
import pytest
from aiokafka import ConsumerRecord

from app.streams.processing.handlers import RecordHandler
from app.streams.processing.unit_of_work import UnitOfWork
from bench.adapter import declared, names

COMMAND = {
    "event_id": "e1",
    "event_type": "PlaceOrder",
    "aggregate_id": "order-1",
    "aggregate_type": "Order",
    "version": 0,
    "timestamp": "2026-11-23T06:17:12.123456+00:00",
    "metadata": {"correlation_id": "c", "causation_id": "d", "command_id": "e", "user_id": "u", "tenant": "acme", "schema_version": 1},
    "payload": {"customer_id": "ada", "items": [{"sku": "book", "quantity": 2, "unit_price": 5999}], "total_amount": 11_998, "currency": "EUR"},
}


@pytest.fixture
def handler(tmp_path: Path) -> RecordHandler:
    """Return the handler of the job's commands."""
    given = {"BOOTSTRAP": "127.0.0.1:9", "INPUT": "cmd-1", "OUTPUT": "ev-1", "GROUP": "g-1", "STATE_DIR": str(tmp_path / "state")}
    app = declared(names({f"BENCH_{name}": value for name, value in given.items()}))
    return app.side.handlers["cmd-1"]


def test_every_command_of_the_job_becomes_an_event_of_the_job(handler: RecordHandler, draft: UnitOfWork) -> None:
    for number in (1, 2):
        handler(_record({**COMMAND, "event_id": f"e{number}"}))

    events = [msgspec.json.decode(each.value or b"") for each in draft.outgoing if each.topic == "ev-1"]
    assert [(event["event_id"], event["version"]) for event in events] == [("e1", 1), ("e2", 2)]
    assert {event["event_type"] for event in events} == {"OrderPlaced"}
    assert {event["aggregate_id"] for event in events} == {"order-1"}
    assert events[0]["payload"] == COMMAND["payload"]


def test_a_repeated_command_is_answered_and_becomes_no_second_event(handler: RecordHandler, draft: UnitOfWork) -> None:
    for _ in range(2):
        handler(_record(COMMAND))

    topics = [each.topic for each in draft.outgoing]
    assert topics.count("ev-1") == 1
    assert topics.count("g-1.results") == 2


def _record(command: dict[str, object]) -> ConsumerRecord[bytes, bytes]:
    value = msgspec.json.encode(command)
    return ConsumerRecord("cmd-1", 0, 0, 1_764_000_000_123, 1, b"order-1", value, None, 7, len(value), ())
