"""The ends of partitions, asked from the broker: high watermarks, for what an open transaction has written may still be committed."""

import asyncio

from aiokafka import TopicPartition

from app.streams.kafka.reader import reader


class EndOffsets:
    """One connection for all who ask."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def open(self) -> None:
        """Connect."""
        self._consumer = reader(self._bootstrap, isolation="read_uncommitted")
        await self._consumer.start()

    async def close(self) -> None:
        """Disconnect."""
        async with asyncio.timeout(1):
            await self._consumer.stop()

    async def end(self, topic: str, partition: int) -> int:
        """The offset behind the last record; aiokafka's errors when the broker does not say."""
        where = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets([where])
        return ends[where]
