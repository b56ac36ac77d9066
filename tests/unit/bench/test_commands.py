"""Commands for the engines, and the proof that the bench's loop writes the same records as a worker."""

import re

import msgspec
import pytest
from aiokafka import ConsumerRecord

from agents.order import answer
from app.streams.app import app
from app.streams.processing.unit_of_work import UnitOfWork
from bench.command import SIZE, Command, confirm, order_id, place, place_as
from bench.load import due_ns_of
from bench.outgoing import CHANGELOG, TOPIC_ID, Written, same
from bench.shop import customers, ordered, orders, products
from schemas.customer import RegisterCustomer
from schemas.envelopes import CommandEnvelope
from schemas.order import ConfirmOrder, PlaceOrder
from schemas.product import ReceiveStock, RegisterProduct


def test_every_place_order_is_valid_and_of_the_same_size() -> None:
    commands = [*place(range(2)), place_as("0" * 36, 99_999_999)]

    assert {len(value) for _, value in commands} == {SIZE}
    for key, value in commands:
        envelope = CommandEnvelope.model_validate_json(value)
        assert envelope.aggregate_id.encode() == key
        PlaceOrder.read(envelope.payload)


def test_a_confirm_order_is_to_the_order_that_was_placed() -> None:
    [(key, value)] = confirm([7])

    assert key.decode() == order_id(7) == CommandEnvelope.model_validate_json(value).aggregate_id
    ConfirmOrder.read(msgspec.json.decode(value)["payload"])


def test_the_orders_of_the_shop_are_valid_and_of_products_and_customers_that_are_registered() -> None:
    kinds = {each.__name__: each for each in (RegisterProduct, ReceiveStock, RegisterCustomer, PlaceOrder)}

    registered, placed = [_read(each) for each in (*products(), *customers())], [_read(each) for each in orders(range(2_000))]

    for envelope in registered + placed:
        kinds[envelope.command_type].read(envelope.payload)
    known = {envelope.aggregate_id for envelope in registered}
    assert {named for number in range(2_000) for named in (ordered(number)["customerId"], ordered(number)["items"][0]["productId"])} == known


def test_the_load_says_in_its_keys_when_a_command_was_due() -> None:
    assert due_ns_of(b"1764000000123456789-0000000000000001") == 1_764_000_000_123_456_789


def test_the_loop_writes_the_records_that_a_worker_writes(draft: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer, "followers", [])  # as in `bench.alone`
    [command] = place([1])
    record = _record(command)
    draft.topic_ids = {record.topic: TOPIC_ID.decode()}

    answer(record)

    by_loop = same(record, lambda _key: None)
    assert _compared(by_loop) == _compared(_by_worker(draft))


def _read(command: Command) -> CommandEnvelope:
    key, value = command
    envelope = CommandEnvelope.model_validate_json(value)
    assert envelope.aggregate_id.encode() == key
    return envelope


def _record(command: Command) -> ConsumerRecord[bytes, bytes]:
    key, value = command
    return ConsumerRecord("commands.order", 0, 41, 1_764_000_000_123, 1, key, value, None, len(key), len(value), ())


def _by_worker(draft: UnitOfWork) -> list[Written]:
    rows = [Written(CHANGELOG, key, value or b"", []) for key, value in draft.rows.changes()]
    prefix = app.side.settings.topic("")
    return rows + [Written(each.topic.removeprefix(prefix), each.key or b"", each.value or b"", each.headers) for each in draft.outgoing]


def _compared(written: list[Written]) -> list[tuple[object, ...]]:
    """Return the records with their headers in order. The digest in the row of results is replaced, because only a worker computes it."""
    return sorted((each.topic, each.key, re.sub(rb'"body":"[0-9a-f]{16}"', b'"body":"digest"', each.value), each.headers) for each in written)
