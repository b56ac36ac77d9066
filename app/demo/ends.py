"""End offsets of topics, found without reading the topics."""

from collections.abc import Iterable

from aiokafka import TopicPartition

from app.settings import Settings
from app.streams.kafka.reader import reader


async def ends(chosen: Settings, topics: Iterable[str]) -> list[int]:
    """Return the end offset of every partition of the topics (their names on the broker), 0 where nothing was ever written."""
    async with reader(chosen.bootstrap) as consumer:
        found = await consumer.end_offsets([TopicPartition(topic, partition) for topic in topics for partition in range(chosen.partitions)])
    return list(found.values())
