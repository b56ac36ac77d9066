"""Which worker answers for which partition: every worker follows the compacted topic `owners` (contract, section 1).

A claim is a transaction of the task's own producer, so that a worker that was fenced cannot make one.
"""

import asyncio
import logging
from contextlib import suppress

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.reader import reader
from app.streams.kafka.transactions import OutgoingRecord, Transaction
from app.streams.topology import WorkerAddress

log = logging.getLogger(__name__)

RETRY_S = 1.0

MARK = "Foldstream-Worker"
"""The header by which a worker's answer is told from that of whatever else is reached at its URL: a proxy, or another environment's worker."""

FORWARDED = "Foldstream-Forwarded"
"""The header of a request that comes from another worker, and is not forwarded again."""


def mark(settings: Settings, worker_id: str) -> str:
    """What a worker of this environment writes into that header."""
    return f"{settings.topic(settings.app_id)}/{worker_id}".encode("ascii", "backslashreplace").decode()


async def claim(producer: AIOKafkaProducer, settings: Settings, partition: int, owner: WorkerAddress | None) -> None:
    """Say who answers for the write side of a partition; None: nobody does any more."""
    transaction = Transaction(producer, settings.partitions)
    transaction.extend([OutgoingRecord(settings.topic("owners"), key_of(partition), msgspec.json.encode(owner) if owner else None)])
    await transaction.commit()


class PartitionOwners:
    """What the topic says, followed from its beginning."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic("owners")
        self._known: dict[bytes, WorkerAddress] = {}

    def mark(self, owner: WorkerAddress) -> str:
        """What stands in each of its answers."""
        return mark(self._settings, owner.worker_id)

    def of(self, partition: int) -> WorkerAddress | None:
        """Who claimed the partition last; None when nobody answers for it."""
        return self._known.get(key_of(partition))

    async def follow(self) -> None:
        """Never returns; a broker that is away is asked again."""
        while True:
            try:
                async with reader(self._settings.bootstrap) as consumer:
                    await self._read(consumer)
            except (KafkaError, FoldstreamError) as error:
                log.info("the owners are not known for the moment: %r", error)
            await asyncio.sleep(RETRY_S)

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        partitions = [TopicPartition(self._topic, number) for number in range(self._settings.partitions)]
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        while True:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    self._take(record)

    def _take(self, record: ConsumerRecord) -> None:
        if record.value is None:
            self._known.pop(record.key, None)
            return
        with suppress(msgspec.MsgspecError):  # somebody else's record says nothing
            self._known[record.key] = msgspec.json.decode(record.value, type=WorkerAddress)


def key_of(partition: int) -> bytes:
    """The key under which the owner of a partition stands."""
    return f"write/{partition}".encode()
