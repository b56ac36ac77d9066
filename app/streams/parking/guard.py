"""What happens to one record on its way to the handler: routing guard, blocked keys, and parking when it fails.

A transaction that is refused for something in it is run again in halves, down to the one record at fault, which is parked.
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
"""What one record may cause at most: the largest order that there can be asks for a thousand products."""

FEW = 4
"""So many cannot be too many, for each is bounded."""

BARE_BYTES = 1_000
"""What is kept of a record whose parking the broker refuses."""

RecordLocation = tuple[str, int]
"""Topic and offset of a record of this partition."""


class RecordGuard:
    """Guards one task; knows which keys are blocked and which records the broker refused."""

    def __init__(self, settings: Settings, partition: int, inboxes: Container[str] = ()) -> None:
        """`inboxes` are the inputs in which ticks lie: those are for the task, and no handler sees them."""
        self._inboxes = inboxes
        self._parked_topic = settings.topic("parked")
        self._partitions = settings.partitions
        self._partition = partition
        self._condemned: dict[RecordLocation, str] = {}
        self._bare: set[RecordLocation] = set()
        """Condemned records whose parking was refused, too: next to nothing of them is kept, and no result is written."""
        self.blocked: set[str] = set()
        """The queues in which records wait."""
        self.open: Counter[tuple[str, str]] = Counter()
        """How many records are parked, by topic and reason."""
        self.generations: Mapping[str, int] = {}
        """Of the inputs that were created again, how many topics of the name were read before."""
        self.skips = NONE
        """What is passed over."""
        self.limit = TRANSACTION_RECORDS
        """How many records the next transaction may carry."""

    def open_anew(self, blocked: Iterable[str], counts: Counter[tuple[str, str]]) -> None:
        """Begin with what the rows of an opened task say."""
        self.blocked, self.open = set(blocked), counts

    def refused(self, records: Sequence[ConsumerRecord], error: str) -> None:
        """Halve the next transaction after this one was rejected; park a record that was alone in it, at last with little of it.

        FatalTaskError when even that is rejected.
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
        """A refusal that an operator was told of is not held against the record."""
        self._forget(record)

    def narrow(self, records: int) -> None:
        """A transaction of so many records failed: half of them may have been too many."""
        self.limit = max(1, records // 2)

    def accepted(self, records: Sequence[ConsumerRecord]) -> None:
        """A transaction of these was committed: the next may carry a few more."""
        self.limit = min(TRANSACTION_RECORDS, self.limit + 1 + self.limit // 4)
        if self._condemned:
            for record in records:
                self._forget(record)

    def _forget(self, record: ConsumerRecord) -> None:
        self._condemned.pop(_place(record), None)
        self._bare.discard(_place(record))

    def handle(self, unit: UnitOfWork, handler: RecordHandler, records: Sequence[ConsumerRecord]) -> None:
        """Process or park each record; whatever happens, it leaves all of its effects or only those of its parking."""
        records = self.skips.left(records[0].topic, records)
        for record, misrouted in zip(records, self._misrouted(records), strict=True):
            if record.key is None and record.topic in self._inboxes and is_tick(record):
                continue
            unit.mark()
            park = self._behind(handler, record) or misrouted or self._try(unit, handler, record)
            if park is None:
                continue
            bare = _place(record) in self._bare
            if not bare:
                self._tell(handler, record, park)
            kept_bytes = BARE_BYTES if bare else KEPT_BYTES
            self.keep(unit, from_record(record, handler.agent, park, kept_bytes, self.generations.get(record.topic, 0)))

    def attempt(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        """Process one record, after `unit.mark()`; why it has to be parked if it failed, and then left nothing behind."""
        [misrouted] = self._misrouted([record])
        return misrouted or self._try(unit, handler, record)

    def _try(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        try:
            if self._condemned:
                self._refuse(record)
            handler(record)
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
        """Park a record that causes more than a transaction can carry."""
        if unit.caused > FEW and (unit.caused > CAUSED_RECORDS or unit.caused_bytes > CAUSED_BYTES):
            raise Park("failed", f"it causes {unit.caused} records of {unit.caused_bytes} bytes, more than the {CAUSED_RECORDS} or {CAUSED_BYTES} that one may")

    def keep(self, unit: UnitOfWork, row: ParkedRecord) -> None:
        """Park a record."""
        unit.outgoing.append(outgoing(self._parked_topic, row))
        parking.keep(row)
        self.open[row.topic, row.reason] += 1
        if row.blocks:
            self.blocked.add(parking.queue(row))
        level = logging.DEBUG if row.reason == BEHIND else logging.WARNING
        told = {**_named(row), "reason": row.reason}
        log.log(level, "parked %s [%d] %d: %s: %s", row.topic, row.partition, row.offset, row.reason, row.error, extra=told)

    def let_go(self, row: ParkedRecord) -> None:
        """It is parked no more, or for another reason."""
        parking.let_go(row)
        self.open[row.topic, row.reason] -= 1

    def _behind(self, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        if self.blocked and record.key is not None and parking.queue_of(handler.agent, record.topic, record.key) in self.blocked:
            return Park(BEHIND, "an earlier record of this key is parked")
        return None

    def _refuse(self, record: ConsumerRecord) -> None:
        """Park a record that was alone in a transaction which the broker refused."""
        error = self._condemned.get(_place(record))
        if error is not None:
            reason = "failed"
            raise Park(reason, error)

    def _misrouted(self, records: Sequence[ConsumerRecord]) -> list[Park | None]:
        """Why each record is on the wrong partition, if it is; one without a key is on none."""
        rights = partitions_of([record.key or b"" for record in records], self._partitions)
        return [self._astray(record, right) for record, right in zip(records, rights, strict=True)]

    def _astray(self, record: ConsumerRecord, right: int) -> Park | None:
        if right == self._partition or record.key is None:
            return None
        return Park("misrouted", f"the key belongs to partition {right}")

    def _tell(self, handler: RecordHandler, record: ConsumerRecord, park: Park) -> None:
        """What cannot even be told is parked all the same."""
        try:
            handler.parked(record, park.reason, str(park))
        except Exception:
            log.exception("nobody is told that %s [%d] %d is parked", record.topic, record.partition, record.offset, extra=_named(record))


def _place(record: ConsumerRecord) -> RecordLocation:
    return record.topic, record.offset


def _named(record: ConsumerRecord | ParkedRecord) -> dict[str, object]:
    """What a log line says of a record, as fields."""
    correlation = dict(record.headers).get("correlation-id")
    told = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return told if correlation is None else {**told, "correlationId": correlation.decode(errors="replace")}
