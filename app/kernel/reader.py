"""Reading a partition from one offset to another, by position: the last record may be a commit marker that is never delivered."""

import asyncio
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import RequestTimedOutError

STALLED_S = 30.0
"""Reading that moves nothing for this long has failed (seconds)."""


def reader(bootstrap: str) -> AIOKafkaConsumer:
    """A consumer for assigned partitions, of no group."""
    return AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=4 << 20,
        fetch_max_wait_ms=50,
    )


async def group_offsets(bootstrap: str, group: str, partition: int) -> dict[str, int]:
    """The offsets that a group committed for this partition number, by topic; asked without joining the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        found = await admin.list_consumer_group_offsets(group)
    finally:
        await admin.close()
    return {where.topic: at.offset for where, at in found.items() if where.partition == partition and at.offset >= 0}


async def bounds(consumer: AIOKafkaConsumer, where: TopicPartition) -> tuple[int, int]:
    """First offset and end (the last stable offset) of a partition."""
    begin, end = await asyncio.gather(consumer.beginning_offsets([where]), consumer.end_offsets([where]))
    return begin[where], end[where]


async def read(consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int) -> AsyncIterator[tuple[list[ConsumerRecord], int]]:
    """Committed records from `start` up to `end`, in batches, each with the position it leads to."""
    if start >= end:
        return
    consumer.assign([where])
    consumer.seek(where, start)
    position, moved_at = start, _now()
    while position < end:
        records = (await consumer.getmany(where, timeout_ms=200)).get(where, [])
        position, before = await consumer.position(where), position
        if position == before and _now() - moved_at > STALLED_S:
            raise RequestTimedOutError
        if position != before:
            moved_at = _now()
            yield records, position


def _now() -> float:
    return asyncio.get_running_loop().time()
