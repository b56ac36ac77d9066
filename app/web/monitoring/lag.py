"""Lag of the consumer group, measured at the broker, so that it also grows while a worker is stuck or gone. Every worker reports all partitions.

Records of open transactions count as lag: no consumer can read them, or the records behind them, before the transaction ends.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import ONE_BATCH, group_offsets, reading
from app.streams.topology import Subscription

log = logging.getLogger(__name__)

EVERY_S = 5.0
KNOWN_S = 60.0
FETCH_MS = 500


class PartitionLag(NamedTuple):
    """Records not processed yet, the age of the first one, and the age of the oldest open transaction (seconds), each 0 if there is none."""

    records: int
    seconds: float
    open_transaction_s: float


class LagMonitor:
    """Monitor that measures the lag every EVERY_S seconds."""

    def __init__(self, settings: Settings, followers: Sequence[Subscription]) -> None:
        self.followers = followers
        self._settings = settings
        topics = dict.fromkeys(follower.topic for follower in followers)
        self._partitions = [TopicPartition(topic, number) for topic in topics for number in range(settings.partitions)]
        self.behind: Mapping[TopicPartition, PartitionLag] = {}
        self._told_s = -KNOWN_S
        self._since: dict[TopicPartition, tuple[int, float]] = {}
        """Offset from which each lagging partition has to be read, and since when that offset has not moved (monotonic seconds)."""

    @property
    def known(self) -> bool:
        """True while the broker answers, also about the group."""
        return time.monotonic() - self._told_s < KNOWN_S

    async def follow(self) -> None:
        """Measure without end. While the broker does not answer, the last measurement stays."""
        while True:
            try:
                async with (
                    reading(self._settings.bootstrap, ONE_BATCH, isolation="read_uncommitted") as written,
                    reading(self._settings.bootstrap, ONE_BATCH) as committed,
                ):
                    await self._ask(written, committed)
            except (KafkaError, FoldstreamError) as error:
                log.info("the lag is not known for the moment: %r", error)
            await asyncio.sleep(EVERY_S)

    async def _ask(self, written: AIOKafkaConsumer, committed: AIOKafkaConsumer) -> None:
        written.assign(self._partitions)
        written.pause(*self._partitions)
        while True:
            self.behind = await self._measured(written, committed)
            await asyncio.sleep(EVERY_S)

    async def _measured(self, written: AIOKafkaConsumer, committed: AIOKafkaConsumer) -> dict[TopicPartition, PartitionLag]:
        ends = await written.end_offsets(self._partitions)
        stable = await committed.end_offsets(self._partitions)
        begins = await written.beginning_offsets(self._partitions)
        told = await group_offsets(written._client, self._settings.app_id, self._partitions)  # noqa: SLF001 (aiokafka has no public way to send a request)
        self._told_s = time.monotonic()
        starts = {where: max(begins[where], told.get(where, 0)) for where in self._partitions}
        return {where: await self._behind(written, where, starts[where], stable[where], ends[where]) for where in self._partitions}

    async def _behind(self, written: AIOKafkaConsumer, where: TopicPartition, start: int, stable: int, end: int) -> PartitionLag:
        open_s = await _age_s(written, where, stable) if stable < end else 0.0
        if start >= end:
            self._since.pop(where, None)
            return PartitionLag(0, 0.0, open_s)
        age_s = open_s if start == stable else await _age_s(written, where, start)
        return PartitionLag(end - start, max(age_s, self._stands_s(where, start)), open_s)

    def _stands_s(self, where: TopicPartition, start: int) -> float:
        """Return how long a partition's position has not moved (seconds). It grows even if the first record is gone or has no usable timestamp."""
        if self._since.get(where, (None,))[0] != start:
            self._since[where] = start, time.monotonic()
        return time.monotonic() - self._since[where][1]


async def _age_s(written: AIOKafkaConsumer, where: TopicPartition, start: int) -> float:
    """Return the age of the first record from an offset on (seconds), 0 if there is none or its age is unknown."""
    written.seek(where, start)
    written.resume(where)
    try:
        records = (await written.getmany(where, timeout_ms=FETCH_MS)).get(where, [])
        appended_ms = records[0].timestamp if records else None
    except UnreadableBatch as error:
        appended_ms = error.appended_ms
    finally:
        written.pause(where)
    return max(0.0, time.time() - appended_ms / 1000) if appended_ms is not None else 0.0
