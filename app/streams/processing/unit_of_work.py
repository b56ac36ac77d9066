"""Unit of work: the rows and records of one transaction of one task, and how they are committed."""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition

from app.streams.errors import TransactionRejected, UnknownOutcome
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.kafka.transactions import OutgoingRecord, Transaction
from app.streams.logs.ends import LogEnds
from app.streams.logs.known import Known
from app.streams.metrics import Label
from app.streams.processing.context import current
from app.streams.processing.replies import PendingReplies, RecordLocation
from app.streams.state.current import current_rows
from app.streams.state.overlay import RowOverlay
from app.streams.state.store import StateStore, StoreCheckpoint, now_s


class UnitOfWork:
    """Row changes and outgoing records that are not committed yet. A subclass knows how to commit them."""

    def __init__(self, store: StateStore, waiters: PendingReplies, topic_ids: Mapping[str, str]) -> None:
        self.rows = RowOverlay(store)
        self.topic_ids = topic_ids
        self.outgoing: list[OutgoingRecord] = []
        self.answers: list[tuple[Hashable, RecordLocation, Any]] = []
        self.counted: list[Label] = []
        self.waiters = waiters
        self._mark = self._marked_answers = self._marked_counts = 0

    def enter(self) -> None:
        """Activate this unit of work: from here on, tables and `emit` in this asyncio task use it."""
        current.set(self)
        current_rows.set(self.rows)

    def mark(self) -> None:
        """Set a savepoint before a record, to which `rollback` returns."""
        self.rows.mark()
        self._mark, self._marked_answers, self._marked_counts = len(self.outgoing), len(self.answers), len(self.counted)

    @property
    def caused(self) -> int:
        """Number of records written since the savepoint."""
        return len(self.outgoing) - self._mark

    @property
    def caused_bytes(self) -> int:
        """Bytes of the keys and values written since the savepoint."""
        return sum(len(written.key or b"") + len(written.value or b"") for written in self.outgoing[self._mark :])

    def rollback(self) -> None:
        """Roll back to the savepoint."""
        self.rows.rollback()
        del self.outgoing[self._mark :]
        del self.answers[self._marked_answers :]
        del self.counted[self._marked_counts :]

    def drop(self) -> None:
        """Discard everything this unit of work has collected: row changes, outgoing records, replies and counters."""
        self.rows.drop()
        self.outgoing.clear()
        self.answers.clear()
        self.counted.clear()

    def close(self) -> None:
        """Discard what is not committed, and close the store."""
        self.drop()
        self.rows.store.close()


class TransactionalUnitOfWork(UnitOfWork):
    """Unit of work of a write task. `commit` makes all that the handlers changed and wrote visible, or nothing."""

    def __init__(  # noqa: PLR0913, PLR0917 (all that a transaction touches)
        self,
        store: StateStore,
        producer: AIOKafkaProducer,
        cluster: ClusterIds,
        changelog: TopicPartition,
        partitions: int,
        waiters: PendingReplies,
        ends: LogEnds,
    ) -> None:
        """Begin a transaction.

        `changelog` is the task's own partition of it, `partitions` the number that keys are spread over, `ends` those of the logs of record.
        """
        super().__init__(store, waiters, cluster.topic_ids)
        self._producer = producer
        self._cluster = cluster
        self.changelog = changelog
        self._partitions = partitions
        self.ends = ends
        self.timed: set[str] = set()
        """Timers that were set or cancelled since the task last looked, in any transaction."""
        self.written: dict[TopicPartition, int] = {}
        """Offsets after the last record that this unit wrote and committed, by partition."""
        self._transaction = Transaction(producer, partitions)

    @property
    def known(self) -> Known:
        """Topics and log ends that its transactions depend on."""
        return Known(self._cluster, self.ends.written)

    def pack(self) -> None:
        """Encode rows and put records into batches while they are in the processor's cache.

        No `rollback` undoes that. Raises TransactionRejected as `commit` does.
        """
        with _writing():
            self.rows.pack()
            self._transaction.extend(self.outgoing)
        self.outgoing.clear()

    async def commit(self) -> None:
        """Commit the changelog and the outgoing records in one transaction; after it, the rows are the committed ones.

        Raises TransactionRejected when something in this unit is at fault. Raises DataLossDetected, and commits nothing, when a log of record is shorter than
        the last transaction left it.
        """
        self.pack()
        with _writing():
            self.ends.foresee(self._transaction.records)
            changes = self.rows.changes()
            self._transaction.log(self.changelog, changes)
        ends = await self._transaction.commit(self.ends.check)
        self.ends.reached(ends)
        self._transaction = Transaction(self._producer, self._partitions)
        self.written.update(ends)
        self.rows.commit(changes, self._stored(ends[self.changelog]))
        for answer in self.answers:
            self.waiters.tell(*answer)
        self.answers.clear()

    def drop(self) -> None:
        """Discard everything this unit of work has collected, including the batches of its transaction."""
        super().drop()
        self._transaction = Transaction(self._producer, self._partitions)

    async def flush(self) -> None:
        """Commit if a row was changed."""
        if self.rows.changed:
            await self.commit()

    def _stored(self, offset_next: int) -> StoreCheckpoint:
        before = self.rows.store.stored
        if before is not None and offset_next <= before.offset_next:
            message = f"{self.changelog} went back from {before.offset_next} to {offset_next}: it was created again"
            raise UnknownOutcome(message)
        return StoreCheckpoint(self._cluster.cluster_id, self._cluster.topic_ids[self.changelog.topic], offset_next, now_s())


@contextmanager
def _writing() -> Iterator[None]:
    """Raise TransactionRejected for content that cannot be written, as when the broker rejects it."""
    try:
        yield
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise TransactionRejected(f"cannot be written: {error!r}") from error
