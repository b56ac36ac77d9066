"""Edge-case records that no current client would write: an event of the first schema version, and bytes that are not JSON."""

from datetime import UTC, datetime

import msgspec
from aiokafka import AIOKafkaProducer

from app.demo.ends import ends
from app.eventsourcing.ids import event_id
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.topics.contract import AGGREGATES, command_topic, event_topic

OLD_ORDER = "order-of-the-first-schema"
"""Id of the order whose OrderPlaced has schema version 1."""

POISON = b"\xff\xfe this is no JSON"


async def place_old_order(chosen: Settings) -> bool:
    """Write an OrderPlaced of schema version 1 to a new log. If the log is not new, return False and write nothing, because a log is never amended."""
    if await _used(chosen):
        return False
    await _write(chosen, event_topic(chosen, "Order"), OLD_ORDER, _old_event(), {"event-type": b"OrderPlaced", "correlation-id": b"place"})
    return True


async def poison(chosen: Settings, key: str) -> None:
    """Write bytes that are not JSON as a command to the order `key`."""
    await _write(chosen, command_topic(chosen, "Order"), key, POISON, {"command-type": b"PlaceOrder"})


async def _used(chosen: Settings) -> bool:
    """Return True if a worker has run, or a command was sent. A worker could then not tell which records were processed."""
    inputs = [topic(chosen, aggregate) for aggregate in AGGREGATES for topic in (command_topic, event_topic)]
    return any(await ends(chosen, [*inputs, chosen.changelog]))


def _old_event() -> bytes:
    """Return an event without schemaVersion, and without currency and shippingMethod in its payload, which version 2 added."""
    item = {"productId": "product-of-old", "quantity": 2, "price": 15_000}
    event = {
        "eventId": event_id("Order", OLD_ORDER, "place", 0),
        "eventType": "OrderPlaced",
        "aggregateId": OLD_ORDER,
        "aggregateType": "Order",
        "version": 1,
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "metadata": {"correlationId": "place", "causationId": "place"},
        "payload": {"customerId": "customer-of-old", "items": [item], "totalAmount": 30_000, "shippingAddress": "1 Sejong-daero, Seoul"},
    }
    return msgspec.json.encode(event)


async def _write(chosen: Settings, topic: str, key: str, value: bytes, headers: dict[str, bytes]) -> None:
    written = [*headers.items(), ("content-type", b"application/json")]
    async with AIOKafkaProducer(bootstrap_servers=chosen.bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, value, key.encode(), partition=partition_of(key.encode(), chosen.partitions), headers=written)
