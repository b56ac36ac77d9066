"""Owners of the partitions: every worker follows the compacted topic `owners` (contract, section 1).

A task claims its partition in a transaction of its own producer, so a fenced worker cannot claim it.
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
"""Header that identifies a worker's response. Something else may be reached at its URL: a proxy, or another environment's worker."""

FORWARDED = "Foldstream-Forwarded"
"""Header of a request that another worker has forwarded. It is not forwarded again."""


def mark(settings: Settings, worker_id: str) -> str:
    """Return the value of that header for a worker of this environment."""
    return f"{settings.topic(settings.app_id)}/{worker_id}".encode("ascii", "backslashreplace").decode()


async def claim(producer: AIOKafkaProducer, settings: Settings, partition: int, owner: WorkerAddress | None) -> None:
    """Claim the write side of a partition for `owner`, or release it with None."""
    transaction = Transaction(producer, settings.partitions)
    transaction.extend([OutgoingRecord(settings.topic("owners"), key_of(partition), msgspec.json.encode(owner) if owner else None)])
    await transaction.commit()


class PartitionOwners:
    """Owners of all partitions, followed from the beginning of the topic."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.topic("owners")
        self._known: dict[bytes, WorkerAddress] = {}

    def mark(self, owner: WorkerAddress) -> str:
        """Return the value of the header `Foldstream-Worker` in the owner's responses."""
        return mark(self._settings, owner.worker_id)

    def of(self, partition: int) -> WorkerAddress | None:
        """Return the worker that claimed the partition last; None if no worker owns it."""
        return self._known.get(key_of(partition))

    async def follow(self) -> None:
        """Follow the topic forever. While the broker is away, retry."""
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
        with suppress(msgspec.MsgspecError):  # other records on the topic name no owner
            self._known[record.key] = msgspec.json.decode(record.value, type=WorkerAddress)


def key_of(partition: int) -> bytes:
    """Return the key of a partition's owner."""
    return f"write/{partition}".encode()
