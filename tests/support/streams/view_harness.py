"""View task without Faust around it: the test writes, fetches and passes on its events. Everything else is real."""

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord

from app.eventsourcing.history import Latest
from app.eventsourcing.recorded_event import RecordedEvent
from app.handlers.event_handler import EventHandler
from app.streams.parking import rows as parking
from app.streams.parking.record import Park, ParkingOutcome, parse
from app.streams.parking.release import ReleaseRequest
from app.streams.processing.record_queue import RecordBatch
from app.streams.state.table import Table
from app.streams.tasks.view_task import ViewTask
from app.streams.topology import ReadModel, ReadTopology, WriteTopology
from tables.history import History, entries, versions
from tests.support.streams.harness import Flow, Harness
from tests.support.waiting import until


class ViewFlow(Flow):
    """Fetch control that knows the next fetch offsets, commit markers included."""

    def __init__(self) -> None:
        super().__init__(member=True)
        self.fetched: dict[str, int] = {}

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Set the next fetch offsets."""
        await super().start(partition, offsets)
        self.fetched = dict(offsets)

    async def reached(self, partition: int) -> Mapping[str, int]:
        """Return the offsets up to which the test has fetched."""
        assert partition == 0
        return self.fetched


class ViewHarness(Harness):
    """Logs of record, the topic `parked`, and the view tasks of partition 0 that a test opens, one after the other."""

    def __init__(self, bootstrap: str, directory: Path) -> None:
        super().__init__(bootstrap, directory)
        self.model = History(self.settings, entries, versions)
        self.orders = self.settings.topic("events.order")
        self.model.events = (self.orders,)  # one log proves as much as three, and is read sooner
        self.expected: dict[bytes, bytes] = {}
        """Rows of an undisturbed view, if a test has computed them."""

    async def create(self) -> None:
        """Create the topics."""
        await self.create_topics(*self.model.events, self.settings.topic("parked"))

    def view_side(self, models: Sequence[History] = (), *, accept_loss: bool = False, worker: str = "") -> ReadTopology:
        """Return a worker's topology; `worker` names one with another disk."""
        settings = self.settings.model_copy(update={"datadir": self.settings.datadir / worker})
        side = ReadTopology(WriteTopology(settings, accept_loss=accept_loss))
        for model in models or [self.model]:
            side.add(model)
            side.handlers.append(EventHandler(model))
        return side

    async def open_view(self, model: History | None = None, *, models: Sequence[History] = (), accept_loss: bool = False, worker: str = "") -> "OpenedView":
        """Open a view task, and return once it is ready for events or stopped."""
        side, flow = self.view_side([model] if model else models, accept_loss=accept_loss, worker=worker), ViewFlow()
        task = ViewTask(side, 0, flow)
        task.start()
        await until(lambda: task.ready.is_set() or task.stopped, within_s=60)
        return OpenedView(self, side, task, flow)

    async def write_events(self, *events: tuple[str, int], transactional: bool = False, **more: object) -> None:
        """Write OrderConfirmed events (order id, version); `more` are further fields of their envelopes."""
        name = self.settings.app_id if transactional else None
        async with AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap, transactional_id=name) as producer:
            if transactional:
                await producer.begin_transaction()
            for order_id, version in events:
                await producer.send_and_wait(self.orders, event(order_id, version, **more), order_id.encode())
            if transactional:
                await producer.commit_transaction()

    async def parked(self) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
        """Return key, value and headers of the parked records."""
        return [(record.key, record.value, dict(record.headers)) for record in await self.records(self.settings.topic("parked"))]

    async def said(self) -> list[tuple[int, str]]:
        """Return the records of the topic `parked` in order: the offset of each event, with its reason or its outcome."""
        words = [parse(record) for record in await self.records(self.settings.topic("parked"))]
        return [(word.offset, word.outcome if isinstance(word, ParkingOutcome) else word.reason) for word in words]


class OpenedView:
    """View task that was opened."""

    def __init__(self, harness: ViewHarness, side: ReadTopology, task: ViewTask, flow: ViewFlow) -> None:
        self.harness = harness
        self.side = side
        self.task = task
        self.flow = flow
        self.events = self.handler(side.models[0])

    @staticmethod
    def handler(model: ReadModel) -> EventHandler:
        """Return the event handler of a read model's agent."""
        assert isinstance(model, History)
        return EventHandler(model)

    async def pump(self, sizes: Iterable[int] = ()) -> None:
        """Fetch and process until all events are folded.

        Batches have these sizes, the last one has the rest. Restarts of the task are waited for.
        """
        async with asyncio.timeout(60):
            sizes = iter(sizes)
            for topic in self.side.inputs:
                records = await self.harness.records(topic)
                while await self._reached(topic) <= (records[-1].offset if records else -1):
                    await self._hand_over(topic, [record for record in records if record.offset >= self.position(topic)][: next(sizes, None)])
                self.flow.fetched[topic] = await self.harness.end(topic)
            await until(lambda: self.task.serving, within_s=60)

    async def _hand_over(self, topic: str, records: list[ConsumerRecord]) -> None:
        await self.task.process(RecordBatch(topic, 0, self.task.opening, records), self.events)

    async def _reached(self, topic: str) -> int:
        await self.task.ready.wait()
        return self.position(topic)

    def position(self, topic: str) -> int:
        """Return the next offset of a topic that the view folds."""
        return self.task.positions[topic].offset_next

    def rows(self) -> dict[bytes, bytes]:
        """Return all rows on disk, positions included, byte for byte. Rows of parked records are left out, because they contain the time."""
        return {key: value for key, value in self.task.store.scan(b"") if not key.startswith(parking.parked.prefix)}

    async def release(self, offset: int, discard: str | None = None) -> Park | None:
        """Retry or discard the event parked at this offset. Return once its queue is drained."""
        park = await self.task.release(ReleaseRequest(self.harness.orders, offset, discard))
        await until(lambda: self.task.ready.is_set() and not self.task._releases, within_s=60)  # noqa: SLF001 (the test looks inside)
        return park

    def versions(self) -> dict[str, int]:
        """Return the last version of each order."""
        table: Table[Latest] = versions
        return {key.removeprefix("Order/"): last.version for key, last in table.rows(self.task.store)}

    def history(self, order_id: str) -> list[int]:
        """Return the versions of an order's events."""
        return [version for version, _ in self.harness.model.committed(self.task.store, "Order", order_id, 1)]


class Failing(History):
    """Read model that fails at orders called `bad`, this many times."""

    def __init__(self, views: ViewHarness, times: int) -> None:
        super().__init__(views.settings, entries, versions)
        self.events = views.model.events
        self.times = times

    def apply(self, before: Latest | None, event: RecordedEvent, value: bytes) -> None:
        """Fold, then fail: the changes must not stay."""
        super().apply(before, event, value)
        if event.aggregate_id == "bad" and self.times:
            self.times -= 1
            raise LookupError(event)


def event(order_id: str, version: int, **more: object) -> bytes:
    """Return the value of an event."""
    envelope: dict[str, Any] = {"eventType": "OrderConfirmed", "aggregateType": "Order", "aggregateId": order_id, "version": version, "schemaVersion": 1}
    envelope["timestamp"] = "2026-01-01T00:00:00.000Z"
    return json.dumps({"eventId": f"{order_id}-{version}", **envelope, "payload": {"confirmedAt": "2026-01-01T00:00:00.000Z"}, **more}).encode()
