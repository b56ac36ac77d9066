"""Reader of topics for programs outside of the workers: committed records, partition by partition, up to the end offset at the start of the read."""

from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

from aiokafka import ConsumerRecord, TopicPartition

from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.reader import bounds, read, reader
from app.streams.kafka.skips import NONE
from app.streams.parking.skip_log import skips_of
from app.topics.admin import refuse_start


class LogReader:
    """Reader of committed records in bounded memory: `async with LogReader(settings) as log`. Entry raises FoldstreamError if the broker or a topic is missing.

    Each partition is read by its own consumer, because aiokafka 0.14 can hang in `stop` after a second assignment.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def __aenter__(self) -> Self:
        await refuse_start(self._settings)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Do nothing, because no connection stays open between two reads."""

    async def topic(self, topic: str) -> AsyncIterator[ConsumerRecord]:
        """Yield all committed records of a topic (its name on the broker), one partition after the other."""
        for partition in range(self._settings.partitions):
            async for record in self.partition(topic, partition):
                yield record

    async def key(self, topic: str, key: bytes) -> AsyncIterator[ConsumerRecord]:
        """Yield the committed records of one key, in order. Only the key's partition is read."""
        async for record in self.partition(topic, partition_of(key, self._settings.partitions)):
            if record.key == key:
                yield record

    async def partition(self, topic: str, partition: int) -> AsyncIterator[ConsumerRecord]:
        """Yield the committed records of one partition, in order."""
        where = TopicPartition(topic, partition)
        skips = NONE if topic == self._settings.topic("parked") else await skips_of(self._settings, partition)
        async with reader(self._settings.bootstrap) as consumer:
            async for records, _ in read(consumer, where, *await bounds(consumer, where), skips):
                for record in records:
                    yield record
