"""Skipped offsets as the topic `parked` reports them (contract, section 2). `foldstream skip` writes them there; tasks and readers pass over them."""

import asyncio
import logging
from collections.abc import Iterable, Iterator, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.reader import bounds, read, reading
from app.streams.kafka.skips import NONE, Skips
from app.streams.kafka.topic_ids import describe
from app.streams.parking.record import SKIPPED, ParkingOutcome, parse

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 2.0
"""Interval at which a stopped task checks whether an operator has skipped the records that stopped it (seconds)."""


class SkipLog:
    """Skips of each partition. It reads each record of the topic `parked` only once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read_to: dict[int, int] = {}
        self._found: dict[int, list[ParkingOutcome]] = {}
        self._turn = asyncio.Lock()

    async def read(self, consumer: AIOKafkaConsumer, partition: int) -> Skips:
        """Return the skips of a partition, for topics that still have the same id."""
        async with self._turn:
            found = await self._all(consumer, partition)
        if not found:
            return NONE
        cluster = await describe(consumer._client, sorted({skip.topic for skip in found}))  # noqa: SLF001 (aiokafka has no public way to send a request)
        return Skips((skip.topic, skip.offset, skip.last) for skip in found if skip.topic_id == cluster.topic_ids[skip.topic])

    def count(self, partition: int) -> int:
        """Return how many skips of a partition have been read."""
        return len(self._found.get(partition, ()))

    async def wait(self, partition: int, known: int) -> None:
        """Wait until more than `known` skips of a partition have been read."""
        while self.count(partition) <= known:
            await asyncio.sleep(LOOK_AGAIN_S)
            try:
                async with reading(self._settings.bootstrap) as consumer, self._turn:
                    await self._all(consumer, partition)
            except (KafkaError, FoldstreamError) as error:
                log.info("whether anything was skipped is not known for the moment: %r", error)

    async def _all(self, consumer: AIOKafkaConsumer, partition: int) -> Sequence[ParkingOutcome]:
        where = TopicPartition(self._settings.topic("parked"), partition)
        begin, end = await bounds(consumer, where)
        if not begin <= self._read_to.get(partition, begin) <= end:
            del self._read_to[partition], self._found[partition]
        found = self._found.setdefault(partition, [])
        async for records, position in read(consumer, where, self._read_to.get(partition, begin), end):
            found.extend(_skips(records))
            self._read_to[partition] = position
        return found


async def skips_of(settings: Settings, partition: int) -> Skips:
    """Return the skips of a partition, for a reader that needs them once."""
    async with reading(settings.bootstrap) as consumer:
        return await SkipLog(settings).read(consumer, partition)


def _skips(records: Iterable[ConsumerRecord]) -> Iterator[ParkingOutcome]:
    for record in records:
        if ("parked-outcome", SKIPPED.encode()) in record.headers:
            said = parse(record)
            if isinstance(said, ParkingOutcome):
                yield said
