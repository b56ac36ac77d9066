"""Follower of a topic, for clients that wait for new records."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiokafka import ConsumerRecord, TopicPartition

from app.settings import Settings
from app.streams.kafka.reader import reader


class TopicFollower(ABC):
    """Follower that reads committed records from the topic's end on entry: `async with`."""

    def __init__(self, settings: Settings, topic: str) -> None:
        """`topic` is the name of the topic on the broker."""
        self._bootstrap = settings.bootstrap
        self._partitions = [TopicPartition(topic, partition) for partition in range(settings.partitions)]

    async def __aenter__(self) -> Self:
        self._consumer = reader(self._bootstrap)
        await self._consumer.start()
        self._consumer.assign(self._partitions)
        for where, end in (await self._consumer.end_offsets(self._partitions)).items():
            self._consumer.seek(where, end)
        self._following: asyncio.Task[Any] = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following
        await self._consumer.stop()

    @abstractmethod
    def _take(self, record: ConsumerRecord) -> None:
        """Handle the next record."""

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    self._take(record)
