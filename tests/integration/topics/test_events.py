"""`foldstream events`: the events of one aggregate, only committed ones, in the current schema."""

import json
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.client.log_reader import LogReader
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.topics.contract import event_topic
from tests.support.foldstream import foldstream

ORDER = "order-1"
PLACED_1 = {"customerId": "c", "items": [], "totalAmount": 0, "shippingAddress": "Seoul"}


@pytest.fixture
async def history(applied: Settings) -> Settings:
    """Return an environment with an order placed in schema version 1 and confirmed, another order on its partition, and an aborted shipment."""
    neighbour = next(name for name in map(str, range(100)) if _partition(name, applied) == _partition(ORDER, applied))
    async with AIOKafkaProducer(bootstrap_servers=applied.bootstrap, transactional_id=applied.app_id) as producer:
        async with producer.transaction():
            await _write(producer, applied, ORDER, _event(1, "OrderPlaced", PLACED_1))
            await _write(producer, applied, neighbour, _event(1, "OrderConfirmed", {}))
            await _write(producer, applied, ORDER, _event(2, "OrderConfirmed", {}))
        await producer.begin_transaction()
        await _write(producer, applied, ORDER, _event(3, "OrderShipped", {}))
        await producer.abort_transaction()
    return applied


def test_only_committed_events_of_the_aggregate_are_shown_in_order(history: Settings) -> None:
    done = _events(history, ORDER)

    assert [(line["version"], line["eventType"]) for line in _lines(done.stdout)] == [(1, "OrderPlaced"), (2, "OrderConfirmed")]


async def committed_only(history: Settings) -> None:
    """Read the log. Events of an aborted transaction must be absent."""
    async with LogReader(history) as log:
        seen = [json.loads(record.value)["version"] async for record in log.key(event_topic(history, "Order"), ORDER.encode())]
    assert seen == [1, 2]


async def test_a_reader_of_the_log_sees_committed_records_only(history: Settings) -> None:
    await committed_only(history)


@pytest.mark.control
async def test_a_reader_that_sees_what_was_aborted_is_found(history: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.client.log_reader.reader", lambda bootstrap: AIOKafkaConsumer(bootstrap_servers=bootstrap, isolation_level="read_uncommitted"))

    with pytest.raises(AssertionError):
        await committed_only(history)


def test_an_old_event_is_shown_in_todays_schema(history: Settings) -> None:
    [placed, _] = _lines(_events(history, ORDER, "--type", "order").stdout)

    assert placed["schemaVersion"] == 2
    assert placed["payload"] == PLACED_1 | {"currency": "KRW", "shippingMethod": "STANDARD"}


def test_earlier_versions_are_left_out(history: Settings) -> None:
    done = _events(history, ORDER, "--from-version", "2")

    assert [line["version"] for line in _lines(done.stdout)] == [2]


def test_a_version_that_is_not_there_yet_is_said_and_is_no_failure(history: Settings) -> None:
    done = _events(history, ORDER, "--from-version", "99")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"'{ORDER}' is at version 2: nothing from version 99 on\n"


def test_an_aggregate_without_events_is_an_error(history: Settings) -> None:
    done = _events(history, ORDER, "--type", "Product")

    assert done.returncode == 1
    assert f"no event of '{ORDER}' in the log of Product" in done.stderr


async def test_an_event_of_a_newer_schema_stops_the_reading(history: Settings) -> None:
    async with AIOKafkaProducer(bootstrap_servers=history.bootstrap) as producer:
        await _write(producer, history, ORDER, _event(3, "OrderPlaced", PLACED_1) | {"schemaVersion": 99})

    done = _events(history, ORDER)

    assert done.returncode == 1
    assert "schemaVersion 99" in done.stderr


def _events(settings: Settings, *words: str) -> Any:  # noqa: ANN401 (a finished process)
    return foldstream("events", *words, "--json", broker=settings.broker, topic_prefix=settings.topic_prefix, app_id=settings.app_id, replication=1)


def _lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines()]


def _partition(name: str, settings: Settings) -> int:
    return partition_of(name.encode(), settings.partitions)


def _event(version: int, event_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"eventType": event_type, "aggregateType": "Order", "version": version, "timestamp": "2026-01-01T00:00:00.000Z", "payload": payload}


async def _write(producer: AIOKafkaProducer, settings: Settings, key: str, event: dict[str, Any]) -> None:
    await producer.send_and_wait(event_topic(settings, "Order"), json.dumps(event).encode(), key.encode())
