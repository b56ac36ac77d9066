"""Read models over real stores, fed from logs that are lists. The test chooses the order of deliveries."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import ConsumerRecord

from app.handlers.event_handler import EventHandler, FeedJoinHandler, JoinedModel, Projection
from app.settings import Settings
from app.streams.processing.replies import PendingReplies
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.state.overlay import RowOverlay
from app.streams.state.store import StateStore
from schemas.envelopes import Event, payload_json
from schemas.upcasters import upcasters
from tables import customer_account, customer_orders, order_summary, orders_by_status, product_stock, saga_status

SETTINGS = Settings(partitions=1)

MODELS: Sequence[Projection[Any]] = (
    product_stock.stock,
    customer_orders.customer_orders,
    orders_by_status.orders_by_status,
    saga_status.saga_statuses,
)
JOINED: Sequence[JoinedModel[Any]] = (
    order_summary.Summaries(SETTINGS, order_summary.summaries, order_summary.names),
    customer_account.Accounts(SETTINGS, customer_account.accounts, customer_account.orderings),
)


class Delivery(NamedTuple):
    """Delivery of `size` records to the agent of one topic, beginning `again` records before its position."""

    follower: int
    size: int
    again: int


class World:
    """One partition: its logs, and the rows of all read models built from them."""

    def __init__(self, path: Path, logs: dict[str, list[ConsumerRecord]]) -> None:
        self._logs = {topic: list(log) for topic, log in logs.items()}
        self._draft = UnitOfWork(StateStore(path), PendingReplies(1), {})
        self._followers = [(handler, topic) for handler, topics in _handlers() for topic in topics]
        self._reached = [0] * len(self._followers)

    def deliver(self, deliveries: Iterable[Delivery]) -> None:
        """Deliver these, each in its own commit, then all remaining records."""
        self._draft.enter()
        for delivery in deliveries:
            self._deliver(delivery._replace(follower=delivery.follower % len(self._followers)))
        while any(self._left(follower) for follower in range(len(self._followers))):
            for follower in range(len(self._followers)):
                self._deliver(Delivery(follower, self._left(follower), 0))

    def rows(self) -> dict[bytes, bytes]:
        """Return all rows on disk."""
        return dict(self._draft.rows.store.scan(b""))

    def close(self) -> None:
        """Close the store."""
        self._draft.close()

    def _left(self, follower: int) -> int:
        _, topic = self._followers[follower]
        return len(self._logs.get(topic, ())) - self._reached[follower]

    def _deliver(self, delivery: Delivery) -> None:
        handler, topic = self._followers[delivery.follower]
        begin = max(0, self._reached[delivery.follower] - delivery.again)
        end = min(self._reached[delivery.follower] + delivery.size, len(self._logs.get(topic, ())))
        for record in self._logs.get(topic, [])[begin:end]:
            handler(record)
        self._reached[delivery.follower] = end
        self._commit()

    def _commit(self) -> None:
        for told in self._draft.outgoing:
            log = self._logs.setdefault(told.topic, [])
            log.append(record(told.topic, len(log), told.key or b"", told.value or b""))
        rows: RowOverlay = self._draft.rows
        rows.commit(rows.changes())
        self._draft.drop()


def log(topic: str, lives: Iterable[tuple[str, str, Sequence[Event]]]) -> list[ConsumerRecord]:
    """Return a log of record of these aggregates (type, id, events), one after the other."""
    values = [(identity, envelope(kind, identity, version, event)) for kind, identity, events in lives for version, event in enumerate(events, 1)]
    return [record(topic, offset, identity.encode(), value) for offset, (identity, value) in enumerate(values)]


def envelope(kind: str, identity: str, version: int, event: Event) -> bytes:
    """Return the event's envelope as written to the log."""
    named = {"eventId": f"{identity}-{version}", "eventType": type(event).__name__, "aggregateId": identity, "aggregateType": kind, "version": version}
    about = {"schemaVersion": upcasters.version(type(event).__name__), "timestamp": f"2026-11-24T06:{version:02d}:00.000Z", "metadata": {}}
    return json.dumps({**named, **about, "payload": json.loads(payload_json(event))}).encode()


def record(topic: str, offset: int, key: bytes, value: bytes) -> ConsumerRecord:
    """Return a record of partition 0."""
    return ConsumerRecord(topic, 0, offset, 1_764_000_000_123, 0, key, value, None, -1, -1, ())


def _handlers() -> list[tuple[EventHandler, tuple[str, ...]]]:
    return [*((EventHandler(model), model.events) for model in MODELS), *((FeedJoinHandler(model), model.events) for model in JOINED)]
