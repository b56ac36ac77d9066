"""What happens to one record on its way to the handler: routing guard, blocked keys, and parking when it fails.

A transaction that is refused for something in it is run again in halves, down to the one record at fault, which is parked.
"""

import logging
from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

from app.kernel import parking
from app.kernel.outcome import StoreFailed, Stuck
from app.kernel.parking import BLOCKING, Park
from app.kernel.ports import Handler
from app.kernel.routing import partition_of
from app.kernel.unit import UnitOfWork
from app.settings import Settings

log = logging.getLogger(__name__)

TRANSACTION_RECORDS = 2_000
"""The most records one transaction carries: far less than a third of the transaction time-out, and no backlog makes it slower."""

Place = tuple[str, int]
"""Topic and offset of a record of this partition."""


class Intake:
    """Guards one task; knows which keys are blocked and which records the broker refused."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._parked_topic = settings.topic("parked")
        self._partitions = settings.partitions
        self._partition = partition
        self._blocked: set[str] = set()
        self._condemned: dict[Place, str] = {}
        self.limit = TRANSACTION_RECORDS
        """How many records the next transaction may carry."""

    def open(self) -> None:
        """Learn which keys are blocked from the rows of the current task."""
        self._blocked = parking.blocked()

    def refused(self, records: Sequence[ConsumerRecord], error: str) -> None:
        """A transaction of these was refused: the next carries half of them, one alone is parked. Stuck when its parking was refused, too."""
        self.narrow(len(records))
        if len(records) == 1 and self._condemned.setdefault(_place(records[0]), error) is not error:
            raise Stuck(f"cannot even park {records[0].topic} at {records[0].offset}: {error}")

    def narrow(self, records: int) -> None:
        """A transaction of so many records failed: half of them may have been too many."""
        self.limit = max(1, records // 2)

    def accepted(self, records: Iterable[ConsumerRecord]) -> None:
        """A transaction of these was committed: the next may carry a few more."""
        self.limit = min(TRANSACTION_RECORDS, self.limit + 1 + self.limit // 4)
        if self._condemned:
            for record in records:
                self._condemned.pop(_place(record), None)

    def handle(self, unit: UnitOfWork, handler: Handler, record: ConsumerRecord) -> None:
        """Process or park one record; whatever happens, it leaves all of its effects or only those of its parking."""
        unit.mark()
        try:
            self._guard(record)
            handler(record)
        except StoreFailed:
            raise
        except Park as park:
            unit.rollback()
            self._park(unit, handler, record, park.reason, str(park))
        except Exception as error:
            unit.rollback()
            log.exception("%s [%d] %d is parked: our code raised", record.topic, record.partition, record.offset, extra=_named(record))
            self._park(unit, handler, record, "failed", repr(error))

    def _guard(self, record: ConsumerRecord) -> None:
        if record.key is not None and partition_of(record.key, self._partitions) != self._partition:
            reason, error = "misrouted", f"the key belongs to partition {partition_of(record.key, self._partitions)}"
            raise Park(reason, error)
        if self._blocked and record.key is not None and parking.queue_of(record.topic, record.key) in self._blocked:
            reason, error = "behind-parked", "an earlier record of this key is parked"
            raise Park(reason, error)
        if self._condemned and _place(record) in self._condemned:
            reason, error = "failed", self._condemned[_place(record)]
            raise Park(reason, error)

    def _park(self, unit: UnitOfWork, handler: Handler, record: ConsumerRecord, reason: str, error: str) -> None:
        unit.outgoing.append(parking.outgoing(self._parked_topic, handler.agent, record, reason, error))
        self._tell(handler, record, reason, error)
        if reason in BLOCKING and record.key is not None:
            parking.wait(record, reason, error)
            self._blocked.add(parking.queue_of(record.topic, record.key))
        log.warning("parked %s [%d] %d: %s: %s", record.topic, record.partition, record.offset, reason, error, extra={**_named(record), "reason": reason})

    def _tell(self, handler: Handler, record: ConsumerRecord, reason: str, error: str) -> None:
        """What cannot even be told is parked all the same."""
        try:
            handler.parked(record, reason, error)
        except Exception:
            log.exception("nobody is told that %s [%d] %d is parked", record.topic, record.partition, record.offset, extra=_named(record))


def _place(record: ConsumerRecord) -> Place:
    return record.topic, record.offset


def _named(record: ConsumerRecord) -> dict[str, object]:
    """What a log line says of a record, as fields."""
    correlation = dict(record.headers).get("correlation-id")
    told = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
    return told if correlation is None else {**told, "correlationId": correlation.decode(errors="replace")}
