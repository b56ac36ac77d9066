"""A log written by hand: as Foldstream would have left it after three commands to one product, until a test spoils it."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from app.kernel.routing import partition_of
from app.settings import Settings

PRODUCT = "the-product"
_SENT = "2026-01-01T00:00:00.000Z"
_CHANGELOG = "changelog"


@dataclass(frozen=True)
class Written:
    """One record as it will stand in the log; `topic` is the contract's name, without prefix."""

    topic: str
    value: dict[str, Any]
    key: bytes = PRODUCT.encode()
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    misplaced: bool = False

    def but(self, **fields: object) -> "Written":
        """The same record with other fields in its value."""
        return replace(self, value={**self.value, **fields})


@dataclass
class WrittenLog:
    """Three commands and all that they caused: lists to change before `write`."""

    commands: list[Written]
    results: list[Written]
    events: list[Written]
    rows: list[Written]
    parked: list[Written] = field(default_factory=list)

    async def write(self, settings: Settings) -> None:
        """Put the records into their topics, the product's partition holding them all, unless one is misplaced."""
        partition = partition_of(PRODUCT.encode(), settings.partitions)
        position = Written(_CHANGELOG, {"topic_id": "some", "offset_next": len(self.commands)}, _row("position", settings.topic("commands.product")))
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap) as producer:
            for record in [*self.commands, *self.results, *self.events, *self.rows, *self.parked, position]:
                topic = settings.changelog if record.topic == _CHANGELOG else settings.topic(record.topic)
                headers = [
                    (name, settings.topic(value.decode()).encode() if name in {"command-topic", "parked-topic"} else value) for name, value in record.headers
                ]
                where = (partition + record.misplaced) % settings.partitions
                await producer.send_and_wait(topic, msgspec.json.encode(record.value), record.key, where, headers=headers)


def intact() -> WrittenLog:
    """A product that was registered, filled with 5, and of which an order reserved 2."""
    events = [
        _event(1, "ProductRegistered", {"name": "A thing", "price": 500, "currency": "EUR"}),
        _event(2, "StockReceived", {"quantity": 5}),
        _event(3, "InventoryReserved", {"orderId": "the-order", "quantity": 2}),
    ]
    rows = [
        Written(_CHANGELOG, {"version": 3, "state": {"type": "REGISTERED", "on_hand": 5, "reserved": 2, "shipped": 0}}, _row("product", PRODUCT)),
        Written(_CHANGELOG, {"state": "RESERVED", "quantity": 2}, _row("reservation", f"{PRODUCT}/the-order")),
    ]
    return WrittenLog([_command(number) for number in range(3)], [_result(number) for number in range(3)], events, rows)


def _row(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def _command(number: int) -> Written:
    return Written("commands.product", {"commandId": f"command-{number}"})


def _event(version: int, kind: str, payload: dict[str, Any]) -> Written:
    metadata = {"correlationId": "some", "causationId": f"command-{version - 1}"}
    fields = {"eventId": f"event-{version}", "eventType": kind, "version": version, "schemaVersion": 1, "timestamp": _SENT, "metadata": metadata}
    return Written("events.product", {**_product(), **fields, "payload": payload})


def _result(number: int) -> Written:
    answer = {"commandId": f"command-{number}", "commandType": "Some", "outcome": "accepted", "version": number + 1, "eventIds": [f"event-{number + 1}"]}
    read_at = [("command-topic", b"commands.product"), ("command-partition", b"0"), ("command-offset", str(number).encode())]
    return Written("results", {**_product(), **answer, "metadata": {"correlationId": "some", "causationId": "some"}}, headers=read_at)


def _product() -> dict[str, Any]:
    return {"aggregateId": PRODUCT, "aggregateType": "Product"}
