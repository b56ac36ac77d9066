"""Check of one partition's read models: fetches their rows from the worker, then reads the log and compares.

So the rows are never newer than the log: a worker serves only committed events, and verify reads the logs up to their ends after the fetch.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from app.eventsourcing.recorded_event import RecordedEvent, recorded
from app.streams.parking.record import ParkedRecord, parse
from app.verify.findings import RecordRef
from app.verify.read_models.customer_name_check import CustomerNameCheck
from app.verify.read_models.history_check import HistoryCheck
from app.verify.read_models.registry import VIEWS
from app.verify.read_models.row_check import RowCheck
from app.verify.read_models.worker_client import NoWorkerServes, Page, Row, WorkerClient
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch
from app.verify.whole import VerifyRun
from app.verify.write_side.parked_topic import RELEASED
from schemas.upcasters import NewerSchema

_UNFOLDABLE = (msgspec.MsgspecError, ValidationError, NewerSchema, ValueError, KeyError, AssertionError)
"""Exceptions that a projection raises if an event, or one before it, is invalid."""


_PARKED = b"parked by views\0"


class _Folds(Protocol):
    """Check of one read model's rows."""

    name: str
    logs: tuple[str, ...]
    compared: int
    unjudged: int
    """Number of aggregates whose rows were not checked, because events of them are parked or cannot be read."""

    def take(self, row: Row) -> None:
        """Take a served row."""

    def event(self, event: RecordedEvent, value: bytes, *, sure: bool) -> None:
        """Take the next event of a log."""

    def let_off(self, aggregate_id: str) -> None:
        """Exempt an aggregate that cannot be checked."""

    async def finish(self, *, still: bool) -> None:
        """Check the remaining rows."""


class ReadModelCheck:
    """Check of all read models of one partition. Call `ask` first, then `read` for each log, then `finish`."""

    def __init__(self, whole: VerifyRun, scratch: DiskMap, partition: int) -> None:
        self._whole = whole
        self._scratch = scratch
        self._partition = partition
        self._folds: list[_Folds] = [
            *(RowCheck(view, scratch, whole.findings, partition) for view in VIEWS),
            CustomerNameCheck(whole.names, scratch, whole.findings, partition),
            HistoryCheck(scratch, whole.findings, partition),
        ]
        self._first: dict[str, dict[str, int]] = {}
        """Offsets, by read model, up to which its rows reflected each log at the first request."""
        self._moved: set[str] = set()
        """Names of the read models that projected events during the requests."""
        self.served = False

    async def ask(self, served: WorkerClient) -> None:
        """Fetch all rows. If no worker serves them, nothing is checked."""
        try:
            for name in {folds.name: None for folds in self._folds}:
                async for page in served.pages(name, self._partition):
                    with self._whole.findings.judging(RecordRef(f"table {name}", self._partition, None, None)):
                        self._take(name, page)
        except NoWorkerServes as error:
            self._whole.sums.unserved(self._partition, str(error))
        else:
            self.served = True

    def _take(self, name: str, page: Page) -> None:
        if page.positions != self._first.setdefault(name, page.positions):
            self._moved.add(name)
        for folds in self._folds:
            if folds.name == name:
                for row in page.items:
                    folds.take(row)

    def parked(self, batch: Batch) -> None:
        """Note which events a view has parked. They are missing from its rows, unless released so long ago that the rows must reflect them."""
        for record in batch.records:
            try:
                said = parse(record)
            except (KeyError, ValueError):
                continue  # ParkedLog checks the topic `parked`
            if isinstance(said, ParkedRecord):
                self._scratch.put(_open(said.topic, said.offset, said.agent), said.key or b"")
            elif said.outcome == RELEASED and record.offset < batch.sure:
                for folds in self._folds:
                    self._scratch.put(_open(said.topic, said.offset, folds.name), None)

    async def let_off_parked(self) -> None:
        """Exempt the aggregates of which events are parked, or were until a moment ago."""
        parked = [(key.rpartition(b"\0")[2].decode(), aggregate) async for key, aggregate in self._scratch.scan(_PARKED)]
        for folds in self._folds:
            for agent, aggregate in parked:
                if agent == folds.name:
                    folds.let_off(aggregate.decode(errors="replace"))

    def read(self, log: str, records: Iterable[ConsumerRecord]) -> None:
        """Take the next records of a log. `log` is the part of the topic's name as in `events.order`: `order`."""
        following = [folds for folds in self._folds if log in folds.logs]
        for record in records:
            event = _event(record)
            for folds in following:
                sure = record.offset < self._first[folds.name].get(record.topic, 0)
                if event is None or not _folded(folds, event, record.value, sure=sure):
                    folds.let_off((record.key or b"").decode(errors="replace"))

    async def finish(self) -> None:
        """Check the remaining rows, once all logs are read."""
        for folds in self._folds:
            await folds.finish(still=folds.name not in self._moved)
            self._whole.sums.view(folds.name, folds.compared)
            self._whole.sums.unjudged(folds.name, folds.unjudged)


def _open(topic: str, offset: int, agent: str) -> bytes:
    return _PARKED + f"{topic}\0{offset}\0{agent}".encode()


def _folded(folds: _Folds, event: RecordedEvent, value: bytes, *, sure: bool) -> bool:
    """Project an event into the expected rows. Return False if that is not possible."""
    try:
        folds.event(event, value, sure=sure)
    except _UNFOLDABLE:
        return False
    return True


def _event(record: ConsumerRecord) -> RecordedEvent | None:
    """Decode an event. Return None if it cannot be read."""
    try:
        return recorded(record.value or b"")
    except _UNFOLDABLE:
        return None
