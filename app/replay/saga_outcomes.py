"""Outcomes of sagas, from their log of record."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable
from itertools import chain

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.replay.commands import SagaOutcomes
from app.settings import Settings
from app.streams.kafka.reader import reading
from app.topics.contract import event_topic

SILENT_TIMES = 2
"""Step timeouts without any event of a saga, after which no worker runs. A saga that waits writes an event in each step timeout."""

POLL_MS = 500


async def ends(chosen: Settings, owns: Callable[[ConsumerRecord], bool]) -> AsyncGenerator[Counter[str], None]:
    """Yield, again and again, the number of ended sagas by outcome. `owns` selects the sagas.

    The log is read from its beginning and followed, until none of these sagas has written an event for too long.
    """
    found, heard_at = SagaOutcomes(), _now()
    async with reading(chosen.bootstrap) as consumer:
        await _seek_to_beginning(consumer, chosen)
        while _now() - heard_at < SILENT_TIMES * chosen.saga_step_timeout_s:
            for record in filter(owns, await _polled(consumer)):
                found.add(msgspec.json.decode(record.value))
                heard_at = _now()
            yield found.counts()


async def _seek_to_beginning(consumer: AIOKafkaConsumer, chosen: Settings) -> None:
    partitions = [TopicPartition(event_topic(chosen, "Saga"), partition) for partition in range(chosen.partitions)]
    consumer.assign(partitions)
    for where, begin in (await consumer.beginning_offsets(partitions)).items():
        consumer.seek(where, begin)


async def _polled(consumer: AIOKafkaConsumer) -> Iterable[ConsumerRecord]:
    return chain.from_iterable((await consumer.getmany(timeout_ms=POLL_MS)).values())


def _now() -> float:
    return asyncio.get_running_loop().time()
