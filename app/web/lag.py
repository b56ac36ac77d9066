"""How far the group is behind, asked from the broker: it also moves while a worker is stuck, or gone. Every worker tells of all partitions."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.kernel.reader import group_offsets, reading
from app.kernel.view_side import Follower
from app.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 5.0
KNOWN_S = 60.0
FETCH_MS = 500

ONE_BATCH = 1
"""Bytes to fetch of a partition to see its next record: the broker gives a whole batch, and no more."""


class Behind(NamedTuple):
    """Records not processed yet, and the age of the first of them (seconds); both 0 when all is read."""

    records: int
    seconds: float


class Lag:
    """Asks again and again."""

    def __init__(self, settings: Settings, followers: Sequence[Follower]) -> None:
        self.followers = followers
        self._settings = settings
        topics = dict.fromkeys(follower.topic for follower in followers)
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
        self.behind: Mapping[TopicPartition, Behind] = {}
        self._told_s = -KNOWN_S

    @property
    def known(self) -> bool:
        """True while the broker answers, also for the group."""
        return time.monotonic() - self._told_s < KNOWN_S

    async def follow(self) -> None:
        """Never returns; while the broker does not answer, what was found last stays."""
        while True:
            try:
                async with reading(self._settings.bootstrap, ONE_BATCH) as consumer:
                    await self._ask(consumer)
            except KafkaError as error:
                log.info("the lag is not known for the moment: %r", error)
            await asyncio.sleep(EVERY_S)

    async def _ask(self, consumer: AIOKafkaConsumer) -> None:
        consumer.assign(self._partitions)
        consumer.pause(*self._partitions)
        while True:
            self.behind = await self._measured(consumer)
            await asyncio.sleep(EVERY_S)

    async def _measured(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, Behind]:
        ends = await consumer.end_offsets(self._partitions)
        begins = await consumer.beginning_offsets(self._partitions)
        told = await group_offsets(consumer._client, self._settings.app_id, self._partitions)  # noqa: SLF001 (aiokafka has no public way to send a request)
        self._told_s = time.monotonic()
        starts = {where: max(begins[where], told.get(where, 0)) for where in self._partitions}
        return {where: await _behind(consumer, where, starts[where], ends[where]) for where in self._partitions}


async def _behind(consumer: AIOKafkaConsumer, where: TopicPartition, start: int, end: int) -> Behind:
    if start >= end:
        return Behind(0, 0.0)
    consumer.seek(where, start)
    consumer.resume(where)
    records = (await consumer.getmany(where, timeout_ms=FETCH_MS)).get(where, [])
    consumer.pause(where)
    appended_s = records[0].timestamp / 1000 if records else time.time()
    return Behind(end - start, max(0.0, time.time() - appended_s))
