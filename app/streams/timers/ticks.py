"""What a task knows of the brokers' time: the append times of ticks, which it writes into the inboxes of its sleepers and reads back.

Everything that lay in an inbox before its tick has been heard by then. Between two ticks the monotonic clock says when to ask again; it decides nothing.
"""

import logging
from collections.abc import Collection, Mapping
from time import monotonic

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from app import clock
from app.streams.kafka.transactions import OutgoingRecord, Transaction
from app.streams.metrics import WorkerMetrics
from app.streams.state.positions import InputPosition

log = logging.getLogger(__name__)

TICK = b'{"type":"tick"}'
"""The value of a tick. It has no key, and lies on the partition of the task that wrote it."""

APART_S = 1.0
"""A worker whose clock differs from the brokers' by more is warned about (seconds)."""


def is_tick(record: ConsumerRecord) -> bool:
    """True for a tick, of this task or another writer: only its offset tells which."""
    return record.key is None and record.value == TICK


class Ticks:
    """One opening's ticks, at most one of them on its way."""

    def __init__(
        self, producer: AIOKafkaProducer, inboxes: Collection[TopicPartition], positions: Mapping[str, InputPosition], measures: WorkerMetrics
    ) -> None:
        """`producer` is the task's own, so that a task that was fenced writes none; `positions` are those behind committed transactions."""
        self._producer = producer
        self._inboxes = inboxes
        self._positions = positions
        self._measures = measures
        self._written: dict[str, int] = {}
        self._appended_ms = 0
        self._at_s: float | None = None

    @property
    def awaited(self) -> bool:
        """True from the writing of a tick until `take` has given its time."""
        return bool(self._written)

    @property
    def read(self) -> bool:
        """True once the tick that is awaited has been read back, and with it all that lay before it."""
        return self.awaited and all(self._positions[topic].offset_next > offset for topic, offset in self._written.items())

    def take(self) -> int | None:
        """The append time of the tick that was read back (milliseconds since 1970), once; None when there is none."""
        if not self.read:
            return None
        self._written.clear()
        return self._appended_ms

    def since_s(self) -> float | None:
        """How long ago the last tick was appended (seconds); None before the first one."""
        return None if self._at_s is None else monotonic() - self._at_s

    def wait_s(self, due_ms: int) -> float:
        """How long it is until then, as far as is known: 0 before the first tick. It errs on the late side, so that the next tick is not too early."""
        since_s = self.since_s()
        return 0.0 if since_s is None else (due_ms - self._appended_ms) / 1000 - since_s

    async def write(self) -> None:
        """Ask for the time: one transaction, with a tick in each inbox. TransactionRejected, UnknownOutcome as any."""
        transaction, before_ms = Transaction(self._producer, partitions=1), clock.now_ms()
        transaction.extend(OutgoingRecord(inbox.topic, None, TICK, [], inbox.partition) for inbox in self._inboxes)
        ends = await transaction.commit()
        after_ms, self._at_s = clock.now_ms(), monotonic()
        self._written = {where.topic: end - 1 for where, end in ends.items()}
        appended_ms = min(transaction.appended_ms, default=None)
        self._appended_ms = before_ms if appended_ms is None else appended_ms  # an inbox with senders' timestamps has this worker's
        self._compare(max(0, before_ms - self._appended_ms) - max(0, self._appended_ms - after_ms))

    def _compare(self, ahead_ms: int) -> None:
        """Warn of a clock that begins to differ from the brokers': nothing is decided by it, but logs, parked records and lag in seconds show it."""
        before_s, self._measures.clock_ahead_s = self._measures.clock_ahead_s, ahead_ms / 1000
        if abs(ahead_ms) / 1000 > APART_S >= abs(before_s):
            way = "ahead of" if ahead_ms > 0 else "behind"
            log.warning("this worker's clock is %.1f s %s the brokers': no order depends on it, but set it right (NTP)", abs(ahead_ms) / 1000, way)
