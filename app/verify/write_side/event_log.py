"""Check of the event log of one aggregate type in one partition, and of the rows that follow from it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from app.eventsourcing.decider import Decider, order_named
from app.streams.kafka.partitioner import partition_of
from app.verify.findings import NUL, Fault, FindingKind, place
from app.verify.orders.saga_endings import wrong_ends
from app.verify.reading import records as wire
from app.verify.reading.disk_map import DiskMap
from app.verify.reading.log_reader import Batch
from app.verify.whole import VerifyRun
from app.verify.write_side.changelog_rows import ChangelogRows
from app.verify.write_side.conservation import imbalance, losses
from app.verify.write_side.decisions import DecisionCheck, EventInContext
from app.verify.write_side.refold import Met, Refold, Root
from schemas.envelopes import Event
from schemas.saga import SagaEvent
from schemas.upcasters import NewerSchema, upcasters

_UNFOLDABLE = (*wire.UNREADABLE, ValidationError, NewerSchema, AssertionError)
"""Exceptions that decoding and applying an event raise if it, or one before it, is invalid."""

_ID, _OFF = b"id\0", b"off\0"


class EventLogCheck:
    """Check of one event after another. Call `finish` last."""

    def __init__(self, decider: Decider, rows: ChangelogRows, causes: DecisionCheck, whole: VerifyRun, scratch: DiskMap) -> None:
        self._decider = decider
        self._rows = rows
        self._causes = causes
        self._orders = whole.orders
        self._sums = whole.sums
        self._any_off = False
        self._scratch = scratch
        self._findings = whole.findings
        self._partitions = whole.settings.partitions
        self._folds = Refold(decider, rows, scratch)

    def read(self, batch: Batch) -> None:
        """Check these records and apply their events."""
        for record in batch.records:
            aggregate_id = (record.key or b"").decode(errors="replace")
            if not self._is_off(aggregate_id):
                read = False
                with self._findings.judging(place(record)):
                    read = self._judged(record, sure=record.offset < batch.sure)
                if not read:
                    self._take_off(aggregate_id)

    async def finish(self) -> None:
        """Compare the remaining rows with the states from the events, once all events are read."""
        for table in filter(None, (self._decider.topic, self._decider.detail)):
            async for key, row in self._rows.left(table):
                if not self._is_off(_aggregate_of(key)):
                    self._rows.at_end(key, row, self._folds.row(key))
        async for key in self._folds.known_details():
            if not self._is_off(_aggregate_of(key)):
                self._rows.require(key)

    def roots(self) -> AsyncIterator[Root[Any]]:
        """Return the aggregates after their last events."""
        return self._folds.roots()

    def _judged(self, record: ConsumerRecord, *, sure: bool) -> bool:
        """Check an event. Return False if it cannot be read or applied."""
        try:
            event = wire.event(record.value or b"")
            for kind, what in self._faults(record, event, sure=sure):
                self._findings.add(kind, place(record), what)
        except _UNFOLDABLE as error:
            self._findings.add(FindingKind.UNREADABLE, place(record), f"cannot be folded: {error!r}")
            return False
        return True

    def _take_off(self, aggregate_id: str) -> None:
        """Exempt an aggregate with an unknown event, because everything after it would be wrong, too."""
        self._any_off = True
        self._scratch.put(_off(self._decider.aggregate_type, aggregate_id), b"")
        self._orders.take_off(aggregate_id)
        self._sums.unjudged(self._decider.aggregate_type, 1)

    def _is_off(self, aggregate_id: str) -> bool:
        return self._any_off and is_off(self._scratch, self._decider.aggregate_type, aggregate_id)

    def _faults(self, record: ConsumerRecord, event: wire.Event, *, sure: bool) -> Iterator[Fault]:
        """Yield the faults of an event, and apply it. A repeated version is not applied again, because no reader of the log would."""
        payload = self._decider.events[event.event_type].model_validate(upcasters.upcast(event.event_type, event.schema_version, event.payload))
        met = self._folds.met(event.aggregate_id, payload)
        yield from self._misplaced(record, event)
        yield from self._repeated(event, payload)
        yield from _out_of_turn(event, met.root.version)
        if event.version > met.root.version:
            yield from self._fold(record, event, payload, met, sure=sure)

    def _fold(self, record: ConsumerRecord, event: wire.Event, payload: Event, met: Met, *, sure: bool) -> Iterator[Fault]:
        self._judge_rows(event, met, sure=sure)
        cause = f"{event.metadata.causation_id}{NUL}{order_named(payload) or ''}"
        at = self._causes.place(event, payload, met.root.place + 1) if met.root.cause == cause else 0
        standing = met.standing
        yield from self._causes.faults(EventInContext(event, payload, at, standing, sure))
        yield from ((FindingKind.NOT_CONSERVED, loss) for loss in losses(payload, standing.root, standing.detail))
        if isinstance(payload, SagaEvent):
            yield from ((FindingKind.WRONG_END, wrong) for wrong in wrong_ends(standing.root, payload))
        after = self._folds.fold(met, event.version, payload, cause, at)
        if not any(imbalance(standing.root, met.root.moved)):
            yield from ((FindingKind.NOT_CONSERVED, wrong) for wrong in imbalance(after.state, after.moved))
        self._orders.take(record, event, payload, (standing.root, after.state), sure=sure)

    def _judge_rows(self, event: wire.Event, met: Met, *, sure: bool) -> None:
        """Compare the rows that do not reflect this event with the state before it."""
        root, ahead = met.root, met.root.known is not None and event.version > met.root.known
        if ahead and not root.ahead:
            root.ahead = True
            self._rows.judge(met.key, {"version": root.version, "state": _json(root.state)})
            if sure:
                self._rows.add(met.key, f"is at version {root.known}, and {event.version} is in the log" if root.known else "is missing")
        if ahead and met.beside is not None and met.detail is not None:
            self._rows.judge(met.beside, _json(met.detail.state))
        elif root.known is None and met.beside is not None and not sure:
            self._rows.let_off(met.beside)

    def _misplaced(self, record: ConsumerRecord, event: wire.Event) -> Iterator[Fault]:
        if record.key != event.aggregate_id.encode():
            yield FindingKind.WRONG_KEY, f"the key {record.key!r} is not the aggregate's id {event.aggregate_id}"
        elif (partition := partition_of(record.key, self._partitions)) != record.partition:
            yield FindingKind.WRONG_PARTITION, f"{event.aggregate_id} belongs to partition {partition}"
        if event.aggregate_type != self._decider.aggregate_type:
            yield FindingKind.WRONG_KEY, f"an event of a {event.aggregate_type}"

    def _repeated(self, event: wire.Event, payload: Event) -> Iterator[Fault]:
        key, cause = _ID + event.event_id.encode(), event.metadata.causation_id
        before = self._scratch.get(key)
        if before is not None:
            version, _, same = before.decode().partition(NUL)
            if same != cause or not self._causes.done_again(event, payload, int(version)):
                yield FindingKind.EVENT_ID_TWICE, f"the event id {event.event_id} was there before"
        self._scratch.put(key, f"{event.version}{NUL}{cause}".encode())


def is_off(scratch: DiskMap, aggregate_type: str, aggregate_id: str) -> bool:
    """Return True if an aggregate is exempt, because an event of it is unknown."""
    return scratch.get(_off(aggregate_type, aggregate_id)) is not None


def _off(aggregate_type: str, aggregate_id: str) -> bytes:
    return _OFF + f"{aggregate_type}{NUL}{aggregate_id}".encode()


def _aggregate_of(key: bytes) -> str:
    """Return the aggregate's id from the key of a row: the aggregate's own, or its part for one order."""
    return key.decode(errors="replace").partition(NUL)[2].partition("/")[0]


def _out_of_turn(event: wire.Event, version: int) -> Iterator[Fault]:
    if event.version != version + 1:
        kind = FindingKind.VERSION_GAP if event.version > version else FindingKind.VERSION_REPEAT
        yield kind, f"version {event.version} of {event.aggregate_id} follows {version}"


def _json(state: object) -> object:
    """Convert a state to the form in a row, where arrays are lists."""
    return msgspec.json.decode(msgspec.json.encode(state))
