"""Records that the hand-written loop writes for a PlaceOrder: an event and a row, or everything that a worker writes."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from app.eventsourcing.ids import event_id
from schemas.timestamp import rfc3339

CHANGELOG = "changelog"
"""Placeholder for the changelog's name. Its records are the rows that the loop keeps."""

TOPIC_ID = b"0" * 32
"""Placeholder of the same length as the id of the commands' topic, which a worker puts into each result."""

Headers = list[tuple[str, bytes]]


class Written(NamedTuple):
    """Record to be written. `topic` is the contract's name."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


Rows = Callable[[bytes], bytes | None]
"""Function that returns the value of a row as the open transaction sees it."""


def few(record: ConsumerRecord, rows: Rows) -> list[Written]:
    """Return an event and the order's row: the minimum for event sourcing."""
    command = msgspec.json.decode(record.value)
    before = rows(record.key)
    version = (msgspec.json.decode(before)["version"] if before else 0) + 1
    row = msgspec.json.encode({"version": version, "status": "PLACED", "total": _total(command)})
    event = msgspec.json.encode({**command, "eventType": "OrderPlaced", "version": version})
    return [Written("events.order", record.key, event, []), Written(CHANGELOG, record.key, row, [])]


def same(record: ConsumerRecord, rows: Rows) -> list[Written]:
    """Return the records that a worker writes, equal byte by byte except for a digest of the loop's own.

    The loop validates nothing and detects no repeated commands.
    """
    command = msgspec.json.decode(record.value)
    before = rows(b"order\0" + record.key)
    version = (msgspec.json.decode(before)["version"] if before else 0) + 1
    metadata = {**command["metadata"], "causationId": command["commandId"]}
    identity = event_id("Order", command["aggregateId"], command["commandId"], 0)
    common: Headers = [("correlation-id", metadata["correlationId"].encode()), ("content-type", b"application/json")]
    payload = _payload(command)
    return [
        *_changed(record, command, version),
        _event(record, command, version, metadata, identity, payload, common),
        _integration(record, identity, payload, common),
        _notification(record, version, common),
        _result(record, command, version, metadata, identity, common),
    ]


def _changed(record: ConsumerRecord, command: dict[str, Any], version: int) -> list[Written]:
    digest = blake2b(record.value, digest_size=8).hexdigest()
    answered = {command["commandId"]: {"version": version, "events": 1, "command": "PlaceOrder", "body": digest}}
    products = list(dict.fromkeys(item["productId"] for item in command["payload"]["items"]))
    row = msgspec.json.encode({"version": version, "state": {"type": "PLACED", "products": products}})
    return [
        Written(CHANGELOG, b"order\0" + record.key, row, []),
        Written(CHANGELOG, b"order-answer\0" + record.key, msgspec.json.encode(answered), []),
    ]


def _event(  # noqa: PLR0913, PLR0917 (all that an event is made of)
    record: ConsumerRecord, command: dict[str, Any], version: int, metadata: dict[str, Any], identity: str, payload: dict[str, Any], common: Headers
) -> Written:
    event = {
        "eventId": identity,
        "eventType": "OrderPlaced",
        "aggregateId": command["aggregateId"],
        "aggregateType": "Order",
        "version": version,
        "schemaVersion": 2,
        "timestamp": rfc3339(record.timestamp),
        "metadata": metadata,
        "payload": payload,
    }
    return Written("events.order", record.key, msgspec.json.encode(event), [("event-type", b"OrderPlaced"), *common])


def _integration(record: ConsumerRecord, identity: str, payload: dict[str, Any], common: Headers) -> Written:
    headers: Headers = [
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/foldstream/order"),
        ("ce_type", b"foldstream.order.placed.v1"),
        ("ce_id", identity.encode()),
        ("ce_subject", record.key),
        ("ce_time", rfc3339(record.timestamp).encode()),
        *common,
    ]
    return Written("integration.order", record.key, msgspec.json.encode({"orderId": record.key.decode(), **payload}), headers)


def _notification(record: ConsumerRecord, version: int, common: Headers) -> Written:
    value = msgspec.json.encode({"orderId": record.key.decode(), "status": "PLACED", "version": version})
    return Written("notifications.order", record.key, value, [("event-type", b"OrderStatusChanged"), *common])


def _result(  # noqa: PLR0913, PLR0917 (all that a result is made of)
    record: ConsumerRecord, command: dict[str, Any], version: int, metadata: dict[str, Any], identity: str, common: Headers
) -> Written:
    result = {
        "commandId": command["commandId"],
        "commandType": "PlaceOrder",
        "aggregateId": command["aggregateId"],
        "aggregateType": "Order",
        "outcome": "accepted",
        "version": version,
        "eventIds": [identity],
        "metadata": metadata,
    }
    read_at: Headers = [
        ("command-topic", record.topic.encode()),
        ("command-partition", b"%d" % record.partition),
        ("command-offset", b"%d" % record.offset),
        ("command-topic-id", TOPIC_ID),
    ]
    return Written("results", record.key, msgspec.json.encode(result), [("command-type", b"PlaceOrder"), *common, *read_at])


def _payload(command: dict[str, Any]) -> dict[str, Any]:
    given = command["payload"]
    return {
        "customerId": given["customerId"],
        "items": given["items"],
        "totalAmount": _total(command),
        "currency": given["currency"],
        "shippingAddress": given["shippingAddress"],
        "shippingMethod": "STANDARD",
    }


def _total(command: dict[str, Any]) -> int:
    return sum(item["quantity"] * item["price"] for item in command["payload"]["items"])
