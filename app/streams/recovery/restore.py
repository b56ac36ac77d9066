"""Restore of a store from whatever is on disk to the rows of the changelog (Kafka Streams: the changelog reader)."""

from collections.abc import Callable
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.streams.errors import UnreadableBatch, UnreadableLog
from app.streams.kafka.reader import bounds, read
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.progress import ProgressLog
from app.streams.state.store import StateStore, StoreCheckpoint, now_s, opened

TRUSTED_S = 3.5 * 86_400
"""Half of the changelog's `delete.retention.ms`. An older store could miss the deletion of a row (seconds)."""


async def restore(consumer: AIOKafkaConsumer, path: Path, cluster: ClusterIds, changelog: TopicPartition, check: Callable[[StateStore], None]) -> StateStore:
    """Open the store at `path` and bring it to the end of the changelog. Wipe it first if it does not belong to the changelog, unless `check` raises."""
    begin, end = await bounds(consumer, changelog)

    def why(found: StateStore) -> str | None:
        check(found)
        return unusable(found.stored, cluster, changelog.topic, begin, end)

    store = opened(path, why)
    try:
        await _fill(store, consumer, cluster, changelog, store.stored.offset_next if store.stored else begin, end)
    except BaseException:
        store.close()
        raise
    return store


async def _fill(store: StateStore, consumer: AIOKafkaConsumer, cluster: ClusterIds, changelog: TopicPartition, start: int, end: int) -> None:  # noqa: PLR0913, PLR0917 (what to read, and where to)
    progress = ProgressLog(f"task {changelog.partition}: restoring rows", end - start)
    try:
        async for records, position in read(consumer, changelog, start, end):
            store.write(((record.key, record.value) for record in records), _stored(cluster, changelog, position))
            progress.at(position - start)
    except UnreadableBatch as error:
        raise UnreadableLog(
            f"{error.what}: it is a changelog, whose rows the logs of record can give again. Stop all workers, delete the topic {changelog.topic}, run "
            "`foldstream topics apply`, and start them"
        ) from error
    if store.stored is None:
        store.write((), _stored(cluster, changelog, end))


def unusable(stored: StoreCheckpoint | None, cluster: ClusterIds, changelog: str, begin: int, end: int) -> str | None:
    """Return why a store cannot be brought up to date, or None."""
    if stored is None:
        return None
    if (stored.cluster_id, stored.topic_id) != (cluster.cluster_id, cluster.topic_ids[changelog]):
        return "it belongs to another changelog"
    if stored.offset_next > end:
        return f"it is at {stored.offset_next}, ahead of the changelog's end {end}"
    if stored.offset_next < begin:
        return f"it is at {stored.offset_next}, the changelog begins at {begin}"
    if now_s() - stored.written_at_s > TRUSTED_S:
        return "it is older than the changelog keeps deletions"
    return None


def _stored(cluster: ClusterIds, changelog: TopicPartition, offset_next: int) -> StoreCheckpoint:
    return StoreCheckpoint(cluster.cluster_id, cluster.topic_ids[changelog.topic], offset_next, now_s())
