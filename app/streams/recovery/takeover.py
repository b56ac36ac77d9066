"""Take-over of a partition, in the only right order (KIP-98, Kafka Streams).

The former owner is fenced before this begins, by the start of the producer. Only then is the changelog read, and the input positions from it.
"""

import logging

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.streams.errors import DataLossDetected
from app.streams.kafka.reader import bounds, group_offsets, written_ends
from app.streams.kafka.skips import Skips
from app.streams.kafka.topic_ids import ClusterIds, describe
from app.streams.logs.ends import LogEnds
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.recovery.changelog_identity import ROW, ChangelogIdentity, RebuildScope, compare, expected, identities
from app.streams.recovery.changelog_rebuild import ChangelogRebuilder
from app.streams.recovery.restore import restore
from app.streams.state.positions import InputPosition, check, positions
from app.streams.state.store import StateStore
from app.streams.topology import WriteTopology

log = logging.getLogger(__name__)

Positions = dict[str, InputPosition]
"""Positions by input topic, its name on the broker."""


class TakeOver:
    """One take-over of one task. `producer` has fenced the former owner; `consumer` is started."""

    def __init__(  # noqa: PLR0913 (what a take-over needs, and what a person asked for)
        self,
        side: WriteTopology,
        partition: int,
        producer: AIOKafkaProducer,
        consumer: AIOKafkaConsumer,
        skips: Skips,
        *,
        accept_loss: bool,
        fold_again: bool = False,
    ) -> None:
        self._side = side
        self._partition = partition
        self._producer = producer
        self._consumer = consumer
        self._skips = skips
        self._accept_loss = accept_loss
        self._fold_again = fold_again

    async def run(self) -> tuple[TransactionalUnitOfWork, Positions]:
        """Restore or rebuild the rows and return them as the active unit of work of this asyncio task, with the positions to continue from.

        Raise DataLossDetected if Kafka lost records that the rows depend on.
        """
        side, settings = self._side, self._side.settings
        cluster = await describe(self._consumer._client, side.topics)  # noqa: SLF001 (aiokafka has no public way to send a request)
        changelog = TopicPartition(settings.changelog, self._partition)
        wanted = expected(cluster, settings.changelog, side.logs, side.fingerprint, settings.partitions)
        ends = LogEnds(await written_ends(self._consumer, [TopicPartition(log, self._partition) for log in side.logs]))
        store = await restore(self._consumer, side.store_path(self._partition), cluster, changelog, lambda found: self._check(found, cluster, wanted, ends))
        try:
            unit = TransactionalUnitOfWork(store, self._producer, cluster, changelog, settings.partitions, side.waiters, ends)
            unit.enter()
            return unit, await self._go_on(unit, cluster, wanted, ends)
        except BaseException:
            store.close()
            raise

    def _check(self, store: StateStore, cluster: ClusterIds, wanted: ChangelogIdentity, ends: LogEnds) -> None:
        """Compare the store with the logs before anything on disk is changed. It may be all that is left of lost logs."""
        found = identities.committed(store, ROW)
        if found is not None:
            self._extent(store, found, wanted, ends)
        cluster.require_partitions(wanted.partitions)

    def _extent(self, store: StateStore, found: ChangelogIdentity | None, wanted: ChangelogIdentity, ends: LogEnds) -> tuple[RebuildScope, str]:
        extent, why = compare(found, wanted, accept_loss=self._accept_loss)
        lost = ends.lost(store)
        if lost is None or (extent is RebuildScope.EVERYTHING and self._accept_loss):
            return extent, why
        if not self._accept_loss:
            raise DataLossDetected(lost)
        return RebuildScope.EVERYTHING, f"a loss was accepted: {lost}"

    async def _go_on(self, unit: TransactionalUnitOfWork, cluster: ClusterIds, wanted: ChangelogIdentity, ends: LogEnds) -> Positions:
        partitions = [TopicPartition(topic, self._partition) for topic in self._side.inputs]
        told = await group_offsets(self._consumer._client, self._side.settings.app_id, partitions)  # noqa: SLF001 (as above)
        group = {where.topic: offset for where, offset in told.items()}
        await self._rebuild(unit, cluster, group, wanted, ends)
        return {topic: await self._position(cluster, topic, group.get(topic)) for topic in self._side.inputs}

    async def _rebuild(self, unit: TransactionalUnitOfWork, cluster: ClusterIds, group: dict[str, int], wanted: ChangelogIdentity, ends: LogEnds) -> None:
        found = identities.get(ROW)
        extent, why = self._extent(unit.rows.store, found, wanted, ends)
        if extent is RebuildScope.NOTHING and self._fold_again:
            extent, why = RebuildScope.FOLDS, "a person asked for it"
        if extent is RebuildScope.NOTHING:
            if found != wanted:  # an earlier version wrote less into the row
                identities[ROW] = wanted
                await unit.commit()
            return
        log.warning("task %d rebuilds %s from the log: %s", self._partition, extent.value, why)
        await ChangelogRebuilder(self._side, self._consumer, unit, cluster, group, self._skips, accept_loss=self._accept_loss).run(extent, wanted)

    async def _position(self, cluster: ClusterIds, topic: str, committed: int | None) -> InputPosition:
        where = TopicPartition(topic, self._partition)
        begin, end = await bounds(self._consumer, where)
        row, topic_id = positions.get(topic), cluster.topic_ids[topic]
        if row is None or row.topic_id != topic_id:
            log.warning("%s [%d] is a topic not read before: it is read from its beginning", topic, self._partition)
            return InputPosition(topic_id, begin, generation=0 if row is None else row.generation + 1)
        if row.group_offset is not None and (committed is None or not row.group_offset <= committed <= end):
            log.warning("the group's offset of %s was reset or expired (%s): the position %d is used", where, committed, row.offset_next)
        return InputPosition(topic_id, check(topic, row.offset_next, begin, end, accept_loss=self._accept_loss), row.group_offset, row.generation)
