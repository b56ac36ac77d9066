"""A log written by hand: as Foldstream would have left it after three commands to one product, until a test spoils it."""

from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer

from app.domain.ids import event_id
from app.kernel.parked import FACTS, OUTCOME
from app.kernel.routing import partition_of
from app.settings import Settings
from schemas.timestamp import rfc3339

PRODUCT = "the-product"
ORDER = "the-order"
_SENT = "2026-01-01T00:00:00.000Z"
_CHANGELOG = "changelog"
_DECIDED: list[tuple[str, str, dict[str, Any]]] = [
    ("RegisterProduct", "ProductRegistered", {"name": "A thing", "price": 500, "currency": "EUR"}),
    ("ReceiveStock", "StockReceived", {"quantity": 5}),
    ("ReserveInventory", "InventoryReserved", {"orderId": ORDER, "quantity": 2}),
]
"""Commands and what they cause: the payloads are the same."""


@dataclass(frozen=True)
class Written:
    """One record as it will stand in the log; `topic` is the contract's name, without prefix."""

    topic: str
    value: dict[str, Any]
    """Empty for a record without a value."""
    key: bytes = PRODUCT.encode()
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    misplaced: bool = False
    caused_by: int | None = None
    """The number of the command whose time the event has."""

    def but(self, **fields: object) -> "Written":
        """The same record with other fields in its value."""
        return replace(self, value={**self.value, **fields})

    def paying(self, **fields: object) -> "Written":
        """The same record with other fields in its payload."""
        return self.but(payload={**self.value["payload"], **fields})


@dataclass
class WrittenLog:
    """Three commands and all that they caused: lists to change before `write`."""

    commands: list[Written]
    results: list[Written]
    events: list[Written]
    rows: list[Written]
    parked: list[Written] = field(default_factory=list)
    processed: int | None = None
    """How far the task has got; as a rule all commands."""

    async def write(self, settings: Settings) -> None:
        """Put the records into their topics, the product's partition holding them all, unless one is misplaced."""
        offset_next = len(self.commands) if self.processed is None else self.processed
        position = Written(_CHANGELOG, {"topic_id": "some", "offset_next": offset_next}, _row("position", settings.topic("commands.product")))
        async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap) as producer:
            times = [await _write(producer, settings, command) for command in self.commands]
            for record in [*self.results, *self.events, *self.rows, *self.parked, position]:
                timed = record if record.caused_by is None else record.but(timestamp=rfc3339(times[record.caused_by]))
                await _write(producer, settings, timed)


async def _write(producer: AIOKafkaProducer, settings: Settings, record: Written) -> int:
    """Write one record; the time that it has in the log (ms)."""
    topic = settings.changelog if record.topic == _CHANGELOG else settings.topic(record.topic)
    headers = [(name, settings.topic(value.decode()).encode() if name in {"command-topic", "parked-topic"} else value) for name, value in record.headers]
    where = (partition_of(PRODUCT.encode(), settings.partitions) + record.misplaced) % settings.partitions
    value = msgspec.json.encode(record.value) if record.value else None
    written = await producer.send_and_wait(topic, value, record.key, where, headers=headers)
    return int(written.timestamp)


def intact() -> WrittenLog:
    """A product that was registered, filled with 5, and of which an order reserved 2."""
    rows = [
        Written(_CHANGELOG, {"version": 3, "state": {"type": "REGISTERED", "on_hand": 5, "reserved": 2, "shipped": 0}}, _row("product", PRODUCT)),
        Written(_CHANGELOG, {"state": "RESERVED", "quantity": 2}, _row("reservation", f"{PRODUCT}/{ORDER}")),
    ]
    numbers = range(len(_DECIDED))
    return WrittenLog([_command(number) for number in numbers], [result(number) for number in numbers], [_event(number) for number in numbers], rows)


def parked(offset: int, reason: str) -> Written:
    """The word that a command was parked."""
    values = (reason, "an error", "product", "commands.product", "0", str(offset), "0", _SENT)
    return Written("parked", {"some": "command"}, headers=[(name, value.encode()) for name, value in zip(FACTS, values, strict=True)])


def settled(offset: int, became: str) -> Written:
    """The word of what became of a parked command."""
    values = ("commands.product", "0", str(offset), became, "", _SENT)
    return Written("parked", {}, headers=[(name, value.encode()) for name, value in zip(OUTCOME, values, strict=True)])


def result(number: int) -> Written:
    """The result of the command of this number, which need not be there."""
    kind, _, payload = _DECIDED[min(number, 2)]
    answer = {"commandId": f"command-{number}", "commandType": kind, "outcome": "accepted", "version": number + 1, "eventIds": [_id(number)]}
    read_at = [("command-topic", b"commands.product"), ("command-partition", b"0"), ("command-offset", str(number).encode())]
    order = [("order-id", ORDER.encode())] if "orderId" in payload else []
    return Written("results", {**_product(), **answer, "metadata": _metadata(number)}, headers=[*read_at, *order])


def _row(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def _command(number: int) -> Written:
    kind, _, payload = _DECIDED[number]
    return Written("commands.product", {**_product(), "commandId": f"command-{number}", "commandType": kind, "metadata": {}, "payload": payload})


def _event(number: int) -> Written:
    _, kind, payload = _DECIDED[number]
    fields = {"eventId": _id(number), "eventType": kind, "version": number + 1, "schemaVersion": 1, "timestamp": _SENT, "metadata": _metadata(number)}
    return Written("events.product", {**_product(), **fields, "payload": payload}, caused_by=number)


def _id(number: int) -> str:
    return event_id("Product", PRODUCT, f"command-{number}", 0, ORDER if number == 2 else None)


def _metadata(number: int) -> dict[str, str]:
    return {"correlationId": "some", "causationId": f"command-{number}"}


def _product() -> dict[str, Any]:
    return {"aggregateId": PRODUCT, "aggregateType": "Product"}
