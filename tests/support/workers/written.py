"""Log written by hand: the records that Foldstream writes for three commands to one product, until a test changes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaProducer

from app.eventsourcing.ids import event_id
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.reader import reading
from app.streams.kafka.topic_ids import describe
from app.streams.parking.record import FACTS, OUTCOME
from schemas.timestamp import rfc3339

PRODUCT = "the-product"
ORDER = "the-order"
_SENT = "2026-01-01T00:00:00.000Z"
_CHANGELOG = "changelog"
READ = "the topic's id"
"""Placeholder for the id of a position's topic, which is known only when the record is written."""
_DECIDED: list[tuple[str, str, dict[str, Any]]] = [
    ("RegisterProduct", "ProductRegistered", {"name": "A thing", "price": 500, "currency": "EUR"}),
    ("ReceiveStock", "StockReceived", {"quantity": 5}),
    ("ReserveInventory", "InventoryReserved", {"orderId": ORDER, "quantity": 2}),
]
"""Commands and their events, which have the same payloads."""


@dataclass(frozen=True)
class Written:
    """Record of a log; `topic` is the contract's name, without prefix."""

    topic: str
    value: dict[str, Any]
    """Value of the record; empty for a record without a value."""
    key: bytes = PRODUCT.encode()
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    misplaced: bool = False
    caused_by: int | None = None
    """Number of the command whose timestamp the event gets."""

    def but(self, **fields: object) -> "Written":
        """Return this record with other fields in its value."""
        return replace(self, value={**self.value, **fields})

    def paying(self, **fields: object) -> "Written":
        """Return this record with other fields in its payload."""
        return self.but(payload={**self.value["payload"], **fields})


@dataclass
class WrittenLog:
    """Records of three commands: lists to change before `write`."""

    commands: list[Written]
    results: list[Written]
    events: list[Written]
    rows: list[Written]
    parked: list[Written] = field(default_factory=list)

    async def write(self, settings: Settings) -> None:
        """Write the records to their topics, all to the product's partition unless one is misplaced."""
        async with Writer(settings) as writer:
            for record in [*self.commands, *self.results, *self.events, *self.rows, *self.parked, position(len(self.commands))]:
                await writer.write(record)


class Writer:
    """Writes records one after the other: `async with Writer(settings) as writer`."""

    def __init__(self, settings: Settings, transactional_id: str | None = None) -> None:
        """Prepare a writer. With an id, everything is in one transaction until `commit`."""
        self._settings = settings
        self._id = transactional_id
        self.times: list[int] = []
        """Timestamps of the commands in the log (ms)."""

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(bootstrap_servers=self._settings.bootstrap, transactional_id=self._id)
        await self._producer.start()
        self._read_id = await topic_id(self._settings, "commands.product")
        if self._id is not None:
            await self._producer.begin_transaction()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._producer.stop()

    async def write(self, *records: Written) -> None:
        """Write records. Events get the timestamps of the commands that caused them."""
        for record in records:
            timed = record if record.caused_by is None else record.but(timestamp=rfc3339(self.times[record.caused_by]))
            written_at = await self._write(timed)
            if record.topic.startswith("commands."):
                self.times.append(written_at)

    async def commit(self) -> None:
        """Commit the transaction."""
        await self._producer.commit_transaction()

    async def _write(self, record: Written) -> int:
        """Write one record. Return its timestamp in the log (ms)."""
        settings = self._settings
        topic = settings.changelog if record.topic == _CHANGELOG else settings.topic(record.topic)
        headers = [(name, settings.topic(value.decode()).encode() if name in {"command-topic", "parked-topic"} else value) for name, value in record.headers]
        where = (partition_of(PRODUCT.encode(), settings.partitions) + record.misplaced) % settings.partitions
        said = {**record.value, "topic_id": self._read_id} if record.value and record.value.get("topic_id") == READ else record.value
        value = msgspec.json.encode(said) if said else None
        key = record.key.replace(b"\0commands.", f"\0{settings.topic('commands.')}".encode())
        written = await self._producer.send_and_wait(topic, value, key, where, headers=headers)
        return int(written.timestamp)


async def topic_id(settings: Settings, topic: str) -> str:
    """Return the id of a topic, which is named without its prefix."""
    name = settings.topic(topic)
    async with reading(settings.bootstrap) as consumer:
        return (await describe(consumer._client, [name])).topic_ids[name]  # noqa: SLF001 (aiokafka has no public way to ask)


def intact() -> WrittenLog:
    """Return the log of a product that was registered and got 5 pieces, 2 of which an order reserved."""
    commands, results, events = zip(*(caused(number, number + 1, *decided) for number, decided in enumerate(_DECIDED)), strict=True)
    reservation = Written(_CHANGELOG, {"state": "RESERVED", "quantity": 2}, _row("reservation", f"{PRODUCT}/{ORDER}"))
    return WrittenLog([*commands], [*results], [*events], [product(3, 5), reservation, answered({0: 1, 1: 2}), answered({2: 3}, f"/{ORDER}")])


def received(number: int, version: int) -> tuple[Written, Written, Written]:
    """Return a command that receives one piece, with its result and its event."""
    return caused(number, version, "ReceiveStock", "StockReceived", {"quantity": 1})


def product(version: int, on_hand: int, reserved: int = 2) -> Written:
    """Return the product's row."""
    state = {"type": "REGISTERED", "on_hand": on_hand, "reserved": reserved, "shipped": 0}
    return Written(_CHANGELOG, {"version": version, "state": state}, _row("product", PRODUCT))


def answered(versions: Mapping[int, int], beside: str = "") -> Written:
    """Return the row with the results of these commands, each with its version; `beside` names an order, after a slash."""
    known = {f"command-{number}": {"version": version, "events": 1, "command": "Some", "body": "some"} for number, version in versions.items()}
    return Written(_CHANGELOG, known, _row("product-answer", f"{PRODUCT}{beside}"))


def position(offset_next: int) -> Written:
    """Return the row with the input position."""
    return Written(_CHANGELOG, {"topic_id": READ, "offset_next": offset_next}, _row("position", "commands.product"))


def parked_row(offset: int) -> Written:
    """Return the row of a parked command."""
    return Written(_CHANGELOG, {"reason": "failed"}, _row("parked", f"commands.product\0{offset:020d}\0product"))


def parked(offset: int, reason: str) -> Written:
    """Return the record that a command was parked."""
    values = (reason, "an error", "product", "commands.product", "0", str(offset), "0", _SENT)
    return Written("parked", {"some": "command"}, headers=[(name, value.encode()) for name, value in zip(FACTS, values, strict=True)])


def settled(offset: int, became: str) -> Written:
    """Return the record of a parked command's outcome."""
    values = ("commands.product", "0", str(offset), became, "", _SENT)
    return Written("parked", {}, headers=[(name, value.encode()) for name, value in zip(OUTCOME, values, strict=True)])


def _row(table: str, key: str) -> bytes:
    return f"{table}\0{key}".encode()


def caused(number: int, version: int, command_type: str, event_type: str, payload: dict[str, Any]) -> tuple[Written, Written, Written]:
    """Return the command at this offset, its result and its event."""
    named = {"aggregateId": PRODUCT, "aggregateType": "Product"}
    asked = {**named, "commandId": f"command-{number}", "commandType": command_type}
    order_id, metadata = payload.get("orderId"), {"correlationId": "some", "causationId": f"command-{number}"}
    identity = event_id("Product", PRODUCT, f"command-{number}", 0, order_id)
    read_at = [("command-topic", b"commands.product"), ("command-partition", b"0"), ("command-offset", str(number).encode())]
    headers = [*read_at, ("order-id", order_id.encode())] if order_id else read_at
    result = {**asked, "outcome": "accepted", "version": version, "eventIds": [identity], "metadata": metadata}
    event = {**named, "eventId": identity, "eventType": event_type, "version": version, "schemaVersion": 1, "timestamp": _SENT, "metadata": metadata}
    return (
        Written("commands.product", {**asked, "metadata": {}, "payload": payload}),
        Written("results", result, headers=headers),
        Written("events.product", {**event, "payload": payload}, caused_by=number),
    )


def refused(number: int, version: int) -> tuple[Written, Written]:
    """Return a command at this offset that registers the product a second time, and its result."""
    command, result, _ = caused(number, version, *_DECIDED[0])
    refusal = {"code": "already-exists", "message": "the product was registered before"}
    return command, result.but(outcome="refused", eventIds=[], refusal=refusal)
