"""Brokers' time: the append times of ticks, which a task writes into the inboxes of its timer handlers and reads back.

When a task reads its tick, it has processed every record that was in the inbox before it. Between two ticks, the monotonic clock only says when to ask again;
it decides nothing.
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
"""Value of a tick. A tick has no key, and is on the partition of the task that wrote it."""

APART_S = 1.0
"""Difference between a worker's clock and the brokers' above which the worker logs a warning (seconds)."""


def is_tick(record: ConsumerRecord) -> bool:
    """Return whether a record is a tick, of this task or of another writer. Only its offset tells them apart."""
    return record.key is None and record.value == TICK


class Ticks:
    """Ticks of one incarnation of a task, at most one of them in flight."""

    def __init__(
        self, producer: AIOKafkaProducer, inboxes: Collection[TopicPartition], positions: Mapping[str, InputPosition], measures: WorkerMetrics
    ) -> None:
        """Begin without a tick. `producer` is the task's own, so that a fenced task writes none; `positions` are those after committed transactions."""
        self._producer = producer
        self._inboxes = inboxes
        self._positions = positions
        self._measures = measures
        self._written: dict[str, int] = {}
        self._appended_ms = 0
        self._at_s: float | None = None

    @property
    def awaited(self) -> bool:
        """Whether a tick was written whose time `take` has not returned yet."""
        return bool(self._written)

    @property
    def read(self) -> bool:
        """Whether the awaited tick has been read back, and with it every record before it."""
        return self.awaited and all(self._positions[topic].offset_next > offset for topic, offset in self._written.items())

    def take(self) -> int | None:
        """Return the append time of the tick that was read back (milliseconds since 1970), once; None when there is none."""
        if not self.read:
            return None
        self._written.clear()
        return self._appended_ms

    def since_s(self) -> float | None:
        """Return the seconds since the last tick was appended; None before the first one."""
        return None if self._at_s is None else monotonic() - self._at_s

    def wait_s(self, due_ms: int) -> float:
        """Estimate the seconds until `due_ms`; 0 before the first tick. The estimate errs on the late side, so that the next tick is not too early."""
        since_s = self.since_s()
        return 0.0 if since_s is None else (due_ms - self._appended_ms) / 1000 - since_s

    async def write(self) -> None:
        """Write a tick into each inbox, in one transaction, to learn the time. Raises TransactionRejected and UnknownOutcome like every commit."""
        transaction, before_ms = Transaction(self._producer, partitions=1), clock.now_ms()
        transaction.extend(OutgoingRecord(inbox.topic, None, TICK, [], inbox.partition) for inbox in self._inboxes)
        ends = await transaction.commit()
        after_ms, self._at_s = clock.now_ms(), monotonic()
        self._written = {where.topic: end - 1 for where, end in ends.items()}
        appended_ms = min(transaction.appended_ms, default=None)
        self._appended_ms = before_ms if appended_ms is None else appended_ms  # an inbox with senders' timestamps: use this worker's clock
        self._compare(max(0, before_ms - self._appended_ms) - max(0, self._appended_ms - after_ms))

    def _compare(self, ahead_ms: int) -> None:
        """Warn when this worker's clock begins to differ from the brokers'. No decision depends on it, but logs, parked records and lag in seconds show it."""
        before_s, self._measures.clock_ahead_s = self._measures.clock_ahead_s, ahead_ms / 1000
        if abs(ahead_ms) / 1000 > APART_S >= abs(before_s):
            way = "ahead of" if ahead_ms > 0 else "behind"
            log.warning("this worker's clock is %.1f s %s the brokers': no order depends on it, but set it right (NTP)", abs(ahead_ms) / 1000, way)
