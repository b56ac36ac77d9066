"""Environment of the topics: a record on `owners` names the app id and the number of partitions under which they were first used.

Two environments that share their topics by mistake would both process every command. So a worker starts only under the app id that is recorded.
"""

import asyncio
import random

import msgspec
from aiokafka import TopicPartition

from app.clock import now
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.errors import UnknownOutcome
from app.streams.kafka.reader import bounds, read, reading
from app.streams.kafka.shutdown import stop
from app.streams.kafka.transactions import OutgoingRecord, Transaction, producer
from app.streams.logs.identity import repartitioned
from app.streams.logs.predecessor import shown

KEY = b"environment"

ATTEMPTS = 20
HIDDEN_S = 30.0
"""Time within which the broker ends a transaction on `owners` that a killed worker left open (seconds)."""

PAUSE_S = 0.5
"""Longest random pause before a retry. Workers that start together fence each other (seconds)."""


class Environment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The record on `owners`. `adopted_from` names the app id that had the topics before, `reason` why they were given to this one."""

    app_id: str
    partitions: int
    at: str
    adopted_from: str = ""
    reason: str = ""


async def recorded(settings: Settings) -> Environment | None:
    """Read the record; return None if there is none yet."""
    owners, found = settings.topic("owners"), None
    async with reading(settings.bootstrap) as consumer:
        partitions = [TopicPartition(owners, partition) for partition in range(settings.partitions)]
        await shown(consumer, partitions, HIDDEN_S)
        for where in partitions:
            async for records, _ in read(consumer, where, *await bounds(consumer, where)):
                for record in records:
                    if record.key == KEY and record.value is not None:
                        found = msgspec.json.decode(record.value, type=Environment)
    return found


async def claim(settings: Settings) -> None:
    """Record these settings unless there is a record. Raise FoldstreamError if the topics belong to another app id or have another number of partitions."""
    for _ in range(ATTEMPTS):
        found = await recorded(settings)
        if found is not None:
            _require(found, settings)
            return
        await record(settings, Environment(settings.app_id, settings.partitions, now()))
    raise FoldstreamError(f"{settings.topic('owners')} takes no record of whose topics these are: try again")


def _require(found: Environment, settings: Settings) -> None:
    if found.partitions != settings.partitions:
        raise FoldstreamError(repartitioned(found.partitions, settings.partitions))
    if found.app_id != settings.app_id:
        prefix = f"FOLDSTREAM_TOPIC_PREFIX={settings.topic_prefix}" if settings.topic_prefix else "no FOLDSTREAM_TOPIC_PREFIX"
        raise FoldstreamError(
            f"the topics with {prefix} belong to FOLDSTREAM_APP_ID={found.app_id}, and this worker has FOLDSTREAM_APP_ID={settings.app_id}: both would "
            "process every command. For an environment of its own set another FOLDSTREAM_TOPIC_PREFIX, too; to give the topics over to this app id, stop all "
            f"workers of the other and run `foldstream topics adopt --app-id {settings.app_id} --reason ...`"
        )


async def record(settings: Settings, environment: Environment) -> None:
    """Write the record unless another process writes it meanwhile. In that case write nothing; the caller reads again."""
    fencing = producer(settings.bootstrap, settings.topic("environment"))
    await fencing.start()
    try:
        if environment.adopted_from or await recorded(settings) is None:
            transaction = Transaction(fencing, settings.partitions)
            transaction.extend([OutgoingRecord(settings.topic("owners"), KEY, msgspec.json.encode(environment))])
            await transaction.commit()
    except UnknownOutcome:
        await asyncio.sleep(random.uniform(0, PAUSE_S))  # noqa: S311 (no secret)
    finally:
        await stop(fencing, abort=False)
