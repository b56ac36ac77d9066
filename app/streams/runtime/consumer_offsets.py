"""What is asked of a consumer about offsets, in the thread in which it runs."""

import asyncio
import logging
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from app.streams.runtime.membership import Membership

log = logging.getLogger(__name__)

COMMIT_S = 1.0
"""How long is waited for the group to take offsets; it does not while its broker is away (seconds)."""


def known_positions(consumer: AIOKafkaConsumer, partitions: Iterable[TP]) -> dict[TP, int]:
    """From where is fetched next. aiokafka's own `position` waits for one that is not known yet: for ever, if who would seek waits for us."""
    subscription = consumer._subscription.subscription  # noqa: SLF001 (aiokafka has no public way to ask without waiting)
    if subscription is None or subscription.assignment is None:
        return {}
    assigned = {tp: subscription.assignment.state_value(TopicPartition(*tp)) for tp in partitions if TopicPartition(*tp) in subscription.assignment.tps}
    return {tp: state.position for tp, state in assigned.items() if state.has_valid_position}


async def commit(consumer: AIOKafkaConsumer, membership: Membership, offsets: Mapping[TP, int]) -> bool:
    """Commit offsets to the group, for people and lag tools; the truth is in the changelog, so False, that they were not taken, is no loss."""
    assigned = consumer.assignment()
    wanted = {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items() if tp in assigned}
    if not wanted or not membership.settled:
        return False
    try:
        async with asyncio.timeout(COMMIT_S):
            await consumer.commit(wanted)
    except (KafkaError, TimeoutError) as error:
        log.info("the group's offsets were not committed: %s", type(error).__name__)
        return False
    return True
