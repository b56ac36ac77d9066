"""Record guard of a task. It checks the routing of each record, parks records behind a blocked key, and parks a record whose processing fails.

A transaction that the broker rejects because of its content is run again in halves, down to the one record at fault, which is parked.
"""

import logging
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from aiokafka import ConsumerRecord

from app.settings import Settings
from app.streams.errors import FatalTaskError, StateStoreError, UnreadableLog
from app.streams.kafka.partitioner import partitions_of
from app.streams.kafka.skips import NONE
from app.streams.parking import rows as parking
from app.streams.parking.record import BEHIND, KEPT_BYTES, Park, ParkedRecord, from_record, outgoing
from app.streams.processing.handlers import RecordHandler
from app.streams.processing.limits import TRANSACTION_RECORDS
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.timers.ticks import is_tick

log = logging.getLogger(__name__)

CAUSED_RECORDS = 5_000
CAUSED_BYTES = 16 << 20
"""Most records, and most bytes of them, that one record may cause. The largest possible order sends commands for a thousand products."""

FEW = 4
"""Number of outgoing records up to which the bounds are not checked, because the size of each record is bounded, too."""

BARE_BYTES = 1_000
"""Bytes that are kept of a record whose parking the broker rejects."""

RecordLocation = tuple[str, int]
"""Topic and offset of a record of this partition."""


class RecordGuard:
    """Record guard of one task. Knows which keys are blocked and which records the broker rejected."""

    def __init__(self, settings: Settings, partition: int, inboxes: Container[str] = ()) -> None:
        """Create a guard. `inboxes` are the inputs that contain ticks: those are for the task, and no handler sees them."""
        self._inboxes = inboxes
        self._parked_topic = settings.topic("parked")
        self._partitions = settings.partitions
        self._partition = partition
        self._condemned: dict[RecordLocation, str] = {}
        self._bare: set[RecordLocation] = set()
        """Rejected records whose parking was rejected, too. Only BARE_BYTES of them are kept, and no result is written."""
        self.blocked: set[str] = set()
        """Queues in which records wait."""
        self.open: Counter[tuple[str, str]] = Counter()
        """Number of parked records, by topic and reason."""
        self.generations: Mapping[str, int] = {}
        """Number of earlier topics of the same name that were read, by input that was created again."""
        self.skips = NONE
        """Offsets that an operator skipped."""
        self.limit = TRANSACTION_RECORDS
        """Most records that the next transaction may carry."""

    def open_anew(self, blocked: Iterable[str], counts: Counter[tuple[str, str]]) -> None:
        """Take over the blocked queues and the counts from the rows of a task that has just opened."""
        self.blocked, self.open = set(blocked), counts

    def refused(self, records: Sequence[ConsumerRecord], error: str) -> None:
        """Halve the next transaction after the broker rejected this one.

        A record that was alone in it will be parked; if that is rejected, too, it is parked with little of its content. Raises FatalTaskError when even that
        is rejected.
        """
        self.narrow(len(records))
        if len(records) > 1:
            return
        place = _place(records[0])
        if place in self._bare:
            raise FatalTaskError(f"cannot even park {records[0].topic} [{self._partition}] {records[0].offset}: {error}")
        if place in self._condemned:
            self._bare.add(place)
        self._condemned.setdefault(place, error)

    def absolve(self, record: ConsumerRecord) -> None:
        """Forget an earlier rejection by the broker, so that the next retry by an operator is tried again."""
        self._forget(record)

    def narrow(self, records: int) -> None:
        """Halve the limit after a transaction of this many records failed. It may have been too large."""
        self.limit = max(1, records // 2)

    def accepted(self, records: Sequence[ConsumerRecord]) -> None:
        """Let the next transaction carry a few more records after these were committed, and forget their rejections."""
        self.limit = min(TRANSACTION_RECORDS, self.limit + 1 + self.limit // 4)
        if self._condemned:
            for record in records:
                self._forget(record)

    def _forget(self, record: ConsumerRecord) -> None:
        self._condemned.pop(_place(record), None)
        self._bare.discard(_place(record))

    def handle(self, unit: UnitOfWork, handler: RecordHandler, records: Sequence[ConsumerRecord]) -> None:
        """Process or park each record. Each leaves either all of its effects or only those of its parking."""
        records = self.skips.left(records[0].topic, records)
        for record, misrouted in zip(records, self._misrouted(records), strict=True):
            if record.key is None and record.topic in self._inboxes and is_tick(record):
                continue
            unit.mark()
            park = (self.blocked and self._behind(handler, record)) or misrouted or self._try(unit, handler, record)
            if park is None:
                continue
            bare = _place(record) in self._bare
            if not bare:
                self._tell(handler, record, park)
            kept_bytes = BARE_BYTES if bare else KEPT_BYTES
            self.keep(unit, from_record(record, handler.agent, park, kept_bytes, self.generations.get(record.topic, 0)))

    def attempt(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        """Process one record, after `unit.mark()`. Returns why it has to be parked if it failed; its effects are rolled back then."""
        [misrouted] = self._misrouted([record])
        return misrouted or self._try(unit, handler, record)

    def _try(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        try:
            if self._condemned:
                self._refuse(record)
            handler(record)
            if unit.caused > FEW:
                self._bound(unit)
        except (StateStoreError, UnreadableLog):
            raise
        except Park as park:
            unit.rollback()
            return park
        except Exception as error:
            unit.rollback()
            log.exception("%s [%d] %d: our code raised", record.topic, record.partition, record.offset, extra=_named(record))
            return Park("failed", repr(error))
        return None

    @staticmethod
    def _bound(unit: UnitOfWork) -> None:
        """Raise Park for a record that causes more than a transaction can carry."""
        if unit.caused > CAUSED_RECORDS or unit.caused_bytes > CAUSED_BYTES:
            raise Park("failed", f"it causes {unit.caused} records of {unit.caused_bytes} bytes, more than the {CAUSED_RECORDS} or {CAUSED_BYTES} that one may")

    def keep(self, unit: UnitOfWork, row: ParkedRecord) -> None:
        """Park a record: write it to the topic `parked`, keep its row, count it, and block its queue if later records have to wait."""
        unit.outgoing.append(outgoing(self._parked_topic, row))
        parking.keep(row)
        self.open[row.topic, row.reason] += 1
        if row.blocks:
            self.blocked.add(parking.queue(row))
        level = logging.DEBUG if row.reason == BEHIND else logging.WARNING
        told = {**_named(row), "reason": row.reason}
        log.log(level, "parked %s [%d] %d: %s: %s", row.topic, row.partition, row.offset, row.reason, row.error, extra=told)

    def let_go(self, row: ParkedRecord) -> None:
        """Unpark a record that is released or discarded, or is about to be parked for another reason."""
        parking.let_go(row)
        self.open[row.topic, row.reason] -= 1

    def _behind(self, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        if record.key is not None and parking.queue_of(handler.agent, record.topic, record.key) in self.blocked:
            return Park(BEHIND, "an earlier record of this key is parked")
        return None

    def _refuse(self, record: ConsumerRecord) -> None:
        """Raise Park for a record that was alone in a transaction which the broker rejected."""
        error = self._condemned.get(_place(record))
        if error is not None:
            reason = "failed"
            raise Park(reason, error)

    def _misrouted(self, records: Sequence[ConsumerRecord]) -> list[Park | None]:
        """Return for each record why it is on the wrong partition, or None. A record without a key belongs to no partition, so it is never misrouted."""
        rights = partitions_of([record.key or b"" for record in records], self._partitions)
        return [None if right == self._partition else self._astray(record, right) for record, right in zip(records, rights, strict=True)]

    def _astray(self, record: ConsumerRecord, right: int) -> Park | None:
        if record.key is None:
            return None
        return Park("misrouted", f"the key belongs to partition {right}")

    def _tell(self, handler: RecordHandler, record: ConsumerRecord, park: Park) -> None:
        """Notify the sender that the record was parked. If that fails, log it and park the record anyway."""
        try:
            handler.parked(record, park.reason, str(park))
        except Exception:
            log.exception("nobody is told that %s [%d] %d is parked", record.topic, record.partition, record.offset, extra=_named(record))


def _place(record: ConsumerRecord) -> RecordLocation:
    return record.topic, record.offset


def _named(record: ConsumerRecord | ParkedRecord) -> dict[str, object]:
    """Return the fields of a log line about a record."""
    correlation = dict(record.headers).get("correlation-id")
    told = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return told if correlation is None else {**told, "correlationId": correlation.decode(errors="replace")}
