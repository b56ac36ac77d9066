"""Bad input does not stop a worker: each record is parked or refused with the contract's reason, and other keys continue."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from aiokafka import AIOKafkaProducer
from msgspec import json as msgspec_json

from app.client.parked_records import open_records
from app.client.results import Json
from app.streams.kafka.partitioner import partition_of
from app.streams.parking.record import ParkedRecord
from app.verify.run import audit
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import order

ENVELOPE = {*order(""), "expectedVersion", "surplus"}
PARKED, REFUSED, ACCEPTED = "parked", "refused", "accepted"


class Bad(NamedTuple):
    """Record with its expected outcome, and the expected reason or code."""

    name: str
    outcome: str
    why: str | None
    value: bytes | None
    key: bytes | None
    topic: str = "commands.order"
    misplaced: bool = False


def bad(name: str, outcome: str, why: str | None, value: bytes | None = None, **changed: object) -> Bad:
    """Return a PlaceOrder to an order of this name with these fields changed (None leaves one out), or with another value instead."""
    return Bad(name, outcome, why, value or _json(place(name, **changed)), name.encode())


def place(name: str, **changed: object) -> Json:
    """Return a PlaceOrder. Fields that the envelope does not have go into the payload."""
    command: dict[str, Any] = {**order(name), **{field: value for field, value in changed.items() if field in ENVELOPE}}
    if "payload" not in changed:
        command["payload"] = command["payload"] | {field: value for field, value in changed.items() if field not in ENVELOPE}
        command["payload"] = {field: value for field, value in command["payload"].items() if value is not None}
    return {field: value for field, value in command.items() if value is not None}


def item(**changed: object) -> dict[str, Any]:
    return {"productId": "p-1", "quantity": 1, "price": 5, **changed}


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def with_raw_price(name: str, price: str) -> bytes:
    """Return JSON with the price written like this."""
    return _json(place(name)).replace(b'"price": 5', f'"price": {price}'.encode())


def undecodable() -> Iterator[Bad]:
    values = {
        "no-json": b"hello",
        "no-utf-8": b'{"commandId": "\xff\xfe"}',
        "an-array": _json([order("an-array")]),
        "a-key-twice": _json(place("a-key-twice")).replace(b'"metadata"', b'"commandId": "another", "metadata"'),
        "not-a-number": with_raw_price("not-a-number", "NaN"),
        "beyond-a-double": with_raw_price("beyond-a-double", "1e999"),
        "10000-digits": with_raw_price("10000-digits", "9" * 10_000),
        "10000-deep": b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "a-lone-surrogate": _json(place("a-lone-surrogate")).replace(b"Here 1", rb"\ud800"),
    }
    yield from (bad(name, PARKED, "undecodable", value) for name, value in values.items())


def unusable() -> Iterator[Bad]:
    yield bad("no-such-type", PARKED, "unknown-type", commandType="PlaceOrders")
    yield bad("no-type", PARKED, "unknown-type", commandType=None)
    yield bad("anothers-type", PARKED, "unknown-type", commandType="ReceiveStock")
    yield bad("no-command-id", PARKED, "invalid", commandId=None)
    for number, identity in enumerate(["a/b", 'a"b', "a\nb", "a\0b", "../x", "ü"]):
        yield bad(f"command-id-{number}", PARKED, "invalid", commandId=identity)
        yield Bad(f"id-{number}", PARKED, "invalid", _json(place(identity)), identity.encode())
    yield Bad("no-key", PARKED, "invalid", _json(place("no-key")), None)
    yield Bad("no-value", PARKED, "invalid", None, b"no-value")
    yield Bad("anothers-key", PARKED, "invalid", _json(place("anothers-key")), b"the-others-key")
    yield Bad("misplaced", PARKED, "misrouted", _json(place("misplaced")), b"misplaced", misplaced=True)


def refused() -> Iterator[Bad]:
    changes: dict[str, dict[str, Any]] = {
        "no-customer": {"customerId": None},
        "a-field-too-many": {"colour": "red"},
        "an-envelope-field-too-many": {"surplus": 1},
        "of-the-wrong-type": {"currency": 5},
        "a-whole-float": {"items": [item(quantity=1.0)]},
        "a-number-as-text": {"items": [item(quantity="1")]},
        "a-boolean": {"items": [item(quantity=True)]},
        "a-negative-quantity": {"items": [item(quantity=-1)]},
        "a-quantity-of-0": {"items": [item(quantity=0)]},
        "a-negative-price": {"items": [item(price=-1)]},
        "no-items": {"items": []},
        "10000-items": {"items": [item()] * 10_000},
        "900-kB": {"shippingAddress": "x" * 900_000},
        "no-payload": {"payload": None},
        "no-metadata": {"metadata": None},
        "a-foreign-inbox": {"metadata": {"replyTo": {"topic": "events.order", "key": "k"}}},
    }
    yield from (bad(name, REFUSED, "invalid", **changed) for name, changed in changes.items())
    for dots in (".", ".."):
        yield bad(f"called-{dots}", PARKED, "invalid", commandId=dots)
        yield Bad(f"an-order-called-{dots}", REFUSED, "invalid", _json({**place(dots), "commandId": "place"}), dots.encode())
    yield bad("three-dots", ACCEPTED, None, commandId="...")
    yield bad("more-than-can-be-paid", REFUSED, "invalid", items=[item(price=10**12), item(price=1)])
    yield bad("all-that-can-be-paid", ACCEPTED, None, items=[item(price=10**12), item(price=0)])
    yield bad("not-yet", REFUSED, "version-conflict", expectedVersion=3)


def about_a_customer() -> Iterator[Bad]:
    """Yield a payment in USD from an account in EUR, and one command id for two aggregates, which is no repetition."""
    register = {"name": "Ada", "email": "a@example.org", "creditLimit": 5, "currency": "EUR"}
    pay = {"orderId": "o-1", "amount": 1, "currency": "USD"}
    for name, kind, payload, outcome, why in (
        ("registers", "RegisterCustomer", register, ACCEPTED, None),
        ("pays-in-another-currency", "ProcessPayment", pay, REFUSED, "currency-mismatch"),
    ):
        command = {**order("customer"), "commandId": name, "commandType": kind, "aggregateType": "Customer", "payload": payload}
        yield Bad(name, outcome, why, _json(command), b"customer", "commands.customer")
    yield bad("one", ACCEPTED, None, commandId="the-same")
    yield bad("other", ACCEPTED, None, commandId="the-same")


def all_kinds() -> list[Bad]:
    kinds = [*undecodable(), *unusable(), *refused(), *about_a_customer()]
    return [*kinds, bad("good", ACCEPTED, None)]


@pytest.mark.long
async def test_what_cannot_be_done_is_parked_or_refused_and_the_rest_goes_on(environment: Environment) -> None:
    kinds = all_kinds()
    worker = environment.worker("worker")
    answered = sum(each.outcome != PARKED for each in kinds)
    async with Results(environment.settings, wanted=lambda result: result["outcome"] != PARKED) as results:
        places = {await _send(environment, each): each for each in kinds}
        await results.number(answered)
        await environment.send([order("afterwards")])
        await results.number(answered + 1)
        parked = await _parked(environment, len(kinds) - answered)
        told = {(result["aggregateId"], result["commandId"]): result for result in results.all}

    came = {each.name: _came(each, parked.get(place), told) for place, each in places.items()}
    assert came == {each.name: (each.outcome, each.why) for each in kinds}
    assert not worker.ended
    assert await audit(environment.settings) == []


async def _send(environment: Environment, each: Bad) -> tuple[str, int, int]:
    partition = (partition_of(each.key or b"", 4) + each.misplaced) % 4
    topic = environment.settings.topic(each.topic)
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap, max_request_size=2 << 20) as producer:
        sent = await producer.send_and_wait(topic, each.value, each.key, partition)
    return topic, sent.partition, sent.offset


async def _parked(environment: Environment, count: int) -> dict[tuple[str, int, int], ParkedRecord]:
    """Return the parked records by location, once there are this many."""
    found: dict[tuple[str, int, int], ParkedRecord] = {}
    async with asyncio.timeout(60):
        while len(found) < count:
            found = {(row.topic, row.partition, row.offset): row async for row in open_records(environment.settings)}
    return found


def _came(each: Bad, parked: ParkedRecord | None, told: dict[tuple[str, str], Json]) -> tuple[str, str | None]:
    if parked is not None:
        assert (parked.key, parked.value) == (each.key, each.value), "a parked record is kept as it came"
        return PARKED, parked.reason
    command = msgspec_json.decode(each.value or b"{}")
    result = told[command["aggregateId"], command["commandId"]]
    return result["outcome"], result.get("refusal", {}).get("code")
