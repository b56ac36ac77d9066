"""Gives the topics of an environment over to another app id."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.clock import now
from app.domain.registry import EVENT_SOURCED
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.reader import group_offsets
from app.streams.kafka.shutdown import stop_reading
from app.streams.tasks.environment import Environment, record, recorded
from app.topics.admin import members
from app.topics.contract import command_topic


async def adopt(settings: Settings, app_id: str, reason: str) -> None:
    """Give the topics to another app id, and commit for its group the offsets up to which commands were read.

    Raise FoldstreamError if the app id has the topics already, or workers of the former one run.
    """
    found = await recorded(settings)
    former = found.app_id if found else settings.app_id
    if former == app_id:
        raise FoldstreamError(f"the topics belong to FOLDSTREAM_APP_ID={app_id} already" if found else "the topics are nobody's yet: start a worker")
    if running := await members(settings, former):
        raise FoldstreamError(f"{running} workers with FOLDSTREAM_APP_ID={former} run: stop them first; one that was killed counts until its session ends")
    await _hand_over(settings, former, app_id)
    await record(settings, Environment(app_id, settings.partitions, now(), former, reason))


async def _hand_over(settings: Settings, former: str, app_id: str) -> None:
    """Commit the offsets of one group for another. Where results are no longer kept, nothing else records how far commands were processed."""
    inputs = [command_topic(settings, decider.topic) for decider in EVENT_SOURCED]
    partitions = [TopicPartition(topic, partition) for topic in inputs for partition in range(settings.partitions)]
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, group_id=app_id, enable_auto_commit=False)
    try:
        await consumer.start()
        consumer.assign(partitions)
        if offsets := await group_offsets(consumer._client, former, partitions):  # noqa: SLF001 (aiokafka has no public way to ask for another group)
            await consumer.commit(offsets)
    finally:
        await stop_reading(consumer)
