"""Reader of a partition from one offset to another. It goes by position, because the last record may be a commit marker, which is never delivered."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from copy import copy

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import NoError, for_code
from aiokafka.protocol.commit import OffsetFetchRequest

from app.streams.aiokafka_patches.sender import check_installed
from app.streams.errors import FetchStalled, UnreadableBatch
from app.streams.kafka.shutdown import stop_reading
from app.streams.kafka.skips import NONE, Skips
from app.streams.kafka.timeouts import ANSWER_MS

STALLED_S = 30.0
"""Time without progress after which reading has failed (seconds)."""

MANY_BYTES = 4 << 20
"""Bytes that a reader of a whole partition fetches of it at once."""

ONE_BATCH = 1
"""Bytes that are fetched of a partition to see its next record. The broker returns a whole batch, and no more."""

RETRY_BACKOFF_MS = 10
"""Pause before aiokafka repeats a request (milliseconds; its own default is 100).

Its first request about a topic always fails, for it has no metadata of it yet.
"""

_LOOK_MS = 10
"""Interval at which a position is checked (milliseconds). aiokafka does not report that a position has moved over commit markers."""


def reader(bootstrap: str, partition_bytes: int = MANY_BYTES, *, isolation: str = "read_committed") -> AIOKafkaConsumer:
    """Create a consumer for assigned partitions, of no group. It fetches `partition_bytes` of each at once, but at least one batch.

    A partition's end is its last stable offset or, with `read_uncommitted`, its high watermark: open transactions lie between them. Ask it for all that was
    fetched, never for `max_records`: aiokafka would keep the remaining records in a reference cycle, and cycles are collected seldom.
    """
    check_installed()
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level=isolation,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=partition_bytes,
        fetch_max_wait_ms=50,
        request_timeout_ms=ANSWER_MS,
        retry_backoff_ms=RETRY_BACKOFF_MS,
    )


@asynccontextmanager
async def reading(bootstrap: str, partition_bytes: int = MANY_BYTES, *, isolation: str = "read_committed") -> AsyncIterator[AIOKafkaConsumer]:
    """Start a reader, and stop it within bounds."""
    consumer = reader(bootstrap, partition_bytes, isolation=isolation)
    try:
        await consumer.start()
        yield consumer
    finally:
        await stop_reading(consumer)


async def group_offsets(client: AIOKafkaClient, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the offsets that a group committed, where it did, without joining the group. Raises KafkaError when the broker does not report them."""
    wanted = defaultdict(list)
    for topic, partition in partitions:
        wanted[topic].append(partition)
    node = await client.coordinator_lookup(CoordinationType.GROUP, group)
    answer = await client.send(node, OffsetFetchRequest(group, list(wanted.items())))
    found = [(TopicPartition(topic, partition), offset, code) for topic, answers in answer.topics for partition, offset, _, code in answers]
    for code in [answer.error_code, *(code for _, _, code in found)]:
        if for_code(code) is not NoError:
            raise for_code(code)
    return {where: offset for where, offset, _ in found if offset >= 0}


async def bounds(consumer: AIOKafkaConsumer, where: TopicPartition) -> tuple[int, int]:
    """Return the first offset and the end (the last stable offset) of a partition."""
    begin, end = await asyncio.gather(consumer.beginning_offsets([where]), consumer.end_offsets([where]))
    return begin[where], end[where]


async def stable_ends(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the last stable offset of each partition. A reader of committed records sees everything up to there."""
    return dict(await consumer.end_offsets(partitions))


async def written_ends(consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the high watermark of each partition. Everything that an open transaction has written lies below it."""
    fetcher = copy(consumer._fetcher)  # noqa: SLF001 (aiokafka has one isolation level for all questions of a consumer)
    fetcher._isolation_level = READ_UNCOMMITTED  # noqa: SLF001
    return dict(await fetcher.end_offsets(partitions, ANSWER_MS))


async def read(
    consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int, skips: Skips = NONE
) -> AsyncIterator[tuple[Sequence[ConsumerRecord], int]]:
    """Yield committed records from `start` up to `end`, in batches, each with the position that it leads to.

    Raises UnreadableBatch when a batch cannot be read, FetchStalled when the broker does not return it.
    """
    if start >= end:
        return
    consumer.assign([where])
    consumer.seek(where, start)
    position, moved_at = start, _now()
    while position < end:
        records = await _next(consumer, where, skips)
        position, before = await consumer.position(where), position
        if position == before and _now() - moved_at > STALLED_S:
            raise FetchStalled(f"{where.topic} [{where.partition}] gives nothing from {position} on, although it ends at {end}: the log of its broker says why")
        if position != before:
            moved_at = _now()
            yield records, position


async def _next(consumer: AIOKafkaConsumer, where: TopicPartition, skips: Skips) -> Sequence[ConsumerRecord]:
    try:
        return skips.left(where.topic, (await consumer.getmany(where, timeout_ms=_LOOK_MS)).get(where, []))
    except UnreadableBatch as error:
        step_over(consumer, error, skips)
        return []


def step_over(consumer: AIOKafkaConsumer, error: UnreadableBatch, skips: Skips) -> None:
    """Continue behind a batch that cannot be read. Raises UnreadableBatch when an operator has not skipped it."""
    behind = skips.behind(error.where.topic, error.first)
    if behind == error.first:
        raise error
    consumer.seek(error.where, behind)


def _now() -> float:
    return asyncio.get_running_loop().time()
