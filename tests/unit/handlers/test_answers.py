"""Repeated commands: each gets its first result (contract, section 2). In the control, without the dedup window, it is decided again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.eventsourcing.decide import WINDOW
from app.handlers.aggregate_repository import AggregateRepository
from app.handlers.command_handler import CommandHandler, outbox
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.logs.ends import LogEnds
from app.streams.processing.replies import PendingReplies
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.state.store import StateStore
from tables.product import product_aggregate

Result = dict[str, Any]
Ask = Callable[..., Result]

STOCK = "ReceiveStock", {"quantity": 1}


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[TransactionalUnitOfWork]:
    """Yield a unit of work that is never committed, so that no broker is needed."""
    store = StateStore(tmp_path / "rows")
    unit = TransactionalUnitOfWork(store, AIOKafkaProducer, ClusterIds("cluster", {}, {}), TopicPartition("changelog", 0), 1, PendingReplies(10), LogEnds({}))
    unit.enter()
    yield unit
    store.close()


@pytest.fixture
def ask(unit: TransactionalUnitOfWork) -> Ask:
    """Return a function that sends one command to the product p-1 and returns its result."""
    commands = CommandHandler(product_aggregate, outbox(product_aggregate.decider))

    def send(command_id: str, command_type: str, payload: dict[str, Any], **metadata: str) -> Result:
        command = {"commandId": command_id, "commandType": command_type, "aggregateId": "p-1", "aggregateType": "Product"}
        value = json.dumps({**command, "timestamp": "2026-01-01T00:00:00Z", "metadata": metadata, "payload": payload}).encode()
        commands(ConsumerRecord("commands.product", 0, 0, 0, 1, b"p-1", value, None, -1, -1, ()))
        result: Result = json.loads(next(value for topic, _, value, _, _ in reversed(unit.outgoing) if topic == "results" and value))
        return result

    return send


@pytest.fixture
def registered(ask: Ask) -> Ask:
    """Return a function that sends commands to the product p-1, registered with 10 pieces."""
    ask("register", "RegisterProduct", {"name": "A thing", "price": 1, "currency": "EUR"})
    ask("stock", "ReceiveStock", {"quantity": 10})
    return ask


def events(unit: TransactionalUnitOfWork) -> list[bytes | None]:
    return [value for topic, _, value, _, _ in unit.outgoing if topic == "events.product"]


def repeated_command_changes_nothing(ask: Ask, unit: TransactionalUnitOfWork) -> None:
    first, before = ask("once", *STOCK, correlationId="first"), len(events(unit))

    again = ask("once", *STOCK, correlationId="second")

    assert {**again, "metadata": None} == {**first, "duplicate": True, "metadata": None}
    assert again["metadata"]["correlationId"] == "second"
    assert len(events(unit)) == before


def test_a_repeated_command_changes_nothing_and_gets_its_first_answer(registered: Ask, unit: TransactionalUnitOfWork) -> None:
    repeated_command_changes_nothing(registered, unit)


@pytest.mark.control
def test_control_without_the_window_a_repeated_command_is_decided_again(
    registered: Ask, unit: TransactionalUnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AggregateRepository, "remember", lambda *_: None)

    with pytest.raises(AssertionError):
        repeated_command_changes_nothing(registered, unit)


@pytest.mark.parametrize(
    "command",
    [
        ("ReserveInventory", {"orderId": "o-1", "quantity": 11}),
        ("ReceiveStock", {"quantity": 0}),
        ("ReleaseInventory", {"orderId": "never"}),
    ],
)
def test_a_refused_command_is_refused_again_in_the_same_words(registered: Ask, command: tuple[str, dict[str, Any]]) -> None:
    first = registered("once", *command)
    registered("more", "ReceiveStock", {"quantity": 5})

    assert registered("once", *command) == {**first, "duplicate": True}


def test_a_command_to_what_does_not_exist_is_remembered_too(ask: Ask) -> None:
    first = ask("early", *STOCK)
    ask("register", "RegisterProduct", {"name": "A thing", "price": 1, "currency": "EUR"})

    assert first["refusal"]["code"] == "unknown-product"
    assert ask("early", *STOCK) == {**first, "duplicate": True}


def test_the_window_is_256_commands_that_name_no_order(registered: Ask) -> None:
    registered("first", *STOCK)
    for number in range(WINDOW - 1):
        registered(f"other-{number}", *STOCK)
    assert registered("first", *STOCK)["duplicate"]

    registered("one-more", *STOCK)

    assert "duplicate" not in registered("first", *STOCK)


def test_a_busy_product_does_not_push_the_commands_of_an_order_out(registered: Ask) -> None:
    reserve = ("ReserveInventory", {"orderId": "o-1", "quantity": 1})
    registered("reserve", *reserve)
    for number in range(WINDOW + 1):
        registered(f"other-{number}", *STOCK)

    assert registered("reserve", *reserve)["duplicate"]


def test_an_id_of_a_command_that_named_no_order_is_known_again_when_it_names_one(registered: Ask) -> None:
    first = registered("same", *STOCK)

    again = registered("same", "ReserveInventory", {"orderId": "o-1", "quantity": 1})

    assert (again["duplicate"], again["eventIds"]) == (True, first["eventIds"])


def test_one_id_for_two_orders_is_two_commands_with_events_of_their_own(registered: Ask) -> None:
    first = registered("same", "ReserveInventory", {"orderId": "o-1", "quantity": 1})
    second = registered("same", "ReserveInventory", {"orderId": "o-2", "quantity": 1})

    assert (first["outcome"], second["outcome"]) == ("accepted", "accepted")
    assert first["eventIds"] != second["eventIds"]
