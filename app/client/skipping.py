"""Skips of records that stop a partition (contract, section 2). A skip is deliberate, has a reason, and is recorded in the topic `parked`."""

from typing import NamedTuple

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from app.domain.registry import FEEDS
from app.errors import FoldstreamError
from app.eventsourcing.recorded_event import today
from app.settings import Settings
from app.streams.errors import TransactionRejected, UnreadableBatch
from app.streams.kafka.reader import bounds, reading
from app.streams.kafka.shutdown import stop
from app.streams.kafka.topic_ids import describe
from app.streams.kafka.transactions import Transaction, producer
from app.streams.parking.record import ParkingOutcome, skip
from app.topics.admin import refuse_start
from app.topics.contract import LOGS, command_topic, event_topic, feed_topic
from schemas.upcasters import NewerSchema

MOST = 10_000
"""Offsets of one skip, at most."""

LOOK_MS = 200


class Skip(NamedTuple):
    """Offsets to skip, with the operator's name and the reason."""

    topic: str
    partition: int
    first: int
    last: int
    who: str
    why: str


async def write(settings: Settings, wanted: Skip, *, accept_loss: bool) -> None:
    """Write a skip with the transactional id of the partition's task, which fences that task's producer. Raise FoldstreamError if the skip is refused."""
    await refuse_start(settings)
    try:
        async with reading(settings.bootstrap) as consumer:
            await _require(settings, consumer, wanted, accept_loss=accept_loss)
            cluster = await describe(consumer._client, [wanted.topic])  # noqa: SLF001 (aiokafka has no public way to send a request)
        settled = ParkingOutcome(wanted.topic, wanted.partition, wanted.first, "skipped", cluster.topic_ids[wanted.topic], wanted.last)
        await _commit(settings, settled, wanted)
    except (KafkaError, TransactionRejected) as error:
        raise FoldstreamError(f"Kafka at {settings.bootstrap} did not take the skip; run it again: {error!r}") from error


async def _commit(settings: Settings, settled: ParkingOutcome, wanted: Skip) -> None:
    fencing = producer(settings.bootstrap, f"{settings.app_id}-{wanted.partition}")
    try:
        await fencing.start()
        transaction = Transaction(fencing, settings.partitions)
        transaction.extend([skip(settings.topic("parked"), settled, wanted.who, wanted.why)])
        await transaction.commit()
    finally:
        await stop(fencing, abort=False)


async def _require(settings: Settings, consumer: AIOKafkaConsumer, wanted: Skip, *, accept_loss: bool) -> None:
    """Raise FoldstreamError if the skip is not allowed."""
    logs, others = _topics(settings)
    if wanted.topic not in {*logs, *others}:
        raise FoldstreamError(
            f"{wanted.topic} cannot be skipped: tasks read {', '.join(sorted({*logs, *others}))}; a changelog that is damaged is deleted and made anew"
        )
    begin, end = await bounds(consumer, TopicPartition(wanted.topic, wanted.partition))
    if not begin <= wanted.first <= wanted.last < end:
        raise FoldstreamError(f"{wanted.topic} [{wanted.partition}] has the offsets from {begin} on, below {end}")
    if wanted.last - wanted.first >= MOST:
        raise FoldstreamError(f"one skip is of {MOST} offsets at most")
    if wanted.topic in logs:
        await _require_known(consumer, wanted)
        if not accept_loss:
            raise FoldstreamError(
                f"{wanted.topic} is a log of record: what is skipped there is lost for ever, and `verify` says so each time; add --accept-loss"
            )


async def _require_known(consumer: AIOKafkaConsumer, wanted: Skip) -> None:
    """Raise FoldstreamError for an event of a newer schema, because a newer Foldstream can read it."""
    where = TopicPartition(wanted.topic, wanted.partition)
    consumer.assign([where])
    consumer.seek(where, wanted.first)
    position = wanted.first
    while position <= wanted.last:
        try:
            records = (await consumer.getmany(where, timeout_ms=LOOK_MS)).get(where, [])
            position = await consumer.position(where)
        except UnreadableBatch as error:
            records, position = [], error.last + 1
            consumer.seek(where, position)
        for record in records:
            if record.offset <= wanted.last:
                _require_old(record.value, f"{wanted.topic} [{wanted.partition}] {record.offset}")


def _require_old(value: bytes | None, named: str) -> None:
    try:
        today(value or b"")
    except NewerSchema as newer:
        raise FoldstreamError(f"{named} is an event of a newer schema, which is not skipped: {newer}") from newer
    except (msgspec.MsgspecError, ValueError, LookupError):
        return


def _topics(settings: Settings) -> tuple[set[str], set[str]]:
    """Return the logs of record, and the other topics that tasks read."""
    logs = {event_topic(settings, kind) for kind in LOGS}
    inputs = {command_topic(settings, kind) for kind in LOGS}
    return logs, {*inputs, settings.topic("results"), *(feed_topic(settings, feed) for feed in FEEDS)}
