"""End offsets of partitions, from the broker. They are high watermarks, because the records of an open transaction may still be committed."""

import asyncio

from aiokafka import TopicPartition

from app.streams.kafka.reader import reader


class EndOffsets:
    """Client for end offsets; all requests share one connection."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def open(self) -> None:
        """Connect to Kafka."""
        self._consumer = reader(self._bootstrap, isolation="read_uncommitted")
        await self._consumer.start()

    async def close(self) -> None:
        """Disconnect from Kafka."""
        async with asyncio.timeout(1):
            await self._consumer.stop()

    async def end(self, topic: str, partition: int) -> int:
        """Return the offset behind the last record. Raise aiokafka's errors if the broker does not answer."""
        where = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([where])
        return ends[where]
