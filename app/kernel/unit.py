"""A unit of work: the rows and records of one transaction of one task, and how they are committed."""

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition

from app.kernel.cluster import Cluster
from app.kernel.context import Outgoing
from app.kernel.draft import Draft
from app.kernel.outcome import RefusedBatch, UnknownOutcome
from app.kernel.store import Change, Store, Stored, now_s
from app.kernel.transaction import Transaction
from app.kernel.waiters import Waiters


class UnitOfWork(Draft):
    """Collects what a task's handlers change and write; `commit` makes all of it visible, or none."""

    def __init__(  # noqa: PLR0913, PLR0917 (all that a transaction touches)
        self, store: Store, producer: AIOKafkaProducer, cluster: Cluster, changelog: TopicPartition, partitions: int, waiters: Waiters
    ) -> None:
        """`changelog` is the task's own partition of it, `partitions` the number that keys are spread over."""
        super().__init__(store, waiters)
        self._producer = producer
        self._cluster = cluster
        self.changelog = changelog
        self._partitions = partitions

    async def commit(self) -> None:
        """One transaction: changelog and outgoing records; after it the rows are committed ones."""
        changes, transaction = self._prepare()
        ends = await transaction.commit()
        self.rows.commit(changes, self._stored(ends[self.changelog]))
        self.outgoing.clear()
        for answer in self.answers:
            self.waiters.tell(*answer)
        self.answers.clear()

    def _prepare(self) -> tuple[list[Change], Transaction]:
        """RefusedBatch when a row or a record cannot be written: something in this unit is at fault, as when the broker refuses it."""
        try:
            changes = self.rows.changes()
            transaction = Transaction(self._producer, self._partitions)
            transaction.extend(Outgoing(self.changelog.topic, key, value, partition=self.changelog.partition) for key, value in changes)
            transaction.extend(self.outgoing)
        except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
            raise RefusedBatch(f"cannot be written: {error!r}") from error
        return changes, transaction

    async def flush(self) -> None:
        """Commit if anything was changed."""
        if self.rows.changed:
            await self.commit()

    def _stored(self, offset_next: int) -> Stored:
        before = self.rows.store.stored
        if before is not None and offset_next <= before.offset_next:
            message = f"{self.changelog} went back from {before.offset_next} to {offset_next}: it was created again"
            raise UnknownOutcome(message)
        return Stored(self._cluster.cluster_id, self._cluster.topic_ids[self.changelog.topic], offset_next, now_s())
