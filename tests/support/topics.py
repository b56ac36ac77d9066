"""Administration of topics that waits for its effect. A broker answers before it knows of a new topic, and before it applies a setting."""

import asyncio
from collections.abc import Mapping

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

WITHIN_S = 60
_LOOK_S = 0.05


async def create(bootstrap: str, topic: NewTopic) -> None:
    """Create a topic, and return once each of its partitions has a leader."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([topic])
        await led(admin, topic.name, topic.num_partitions)
    finally:
        await admin.close()


async def led(admin: AIOKafkaAdminClient, topic: str, partitions: int) -> None:
    """Return once the broker knows so many partitions of a topic, each with a leader."""
    async with asyncio.timeout(WITHIN_S):
        while await _leaders(admin, topic) < partitions:  # noqa: ASYNC110 (the broker is asked)
            await asyncio.sleep(_LOOK_S)


async def configure(admin: AIOKafkaAdminClient, topic: str, config: Mapping[str, str]) -> None:
    """Change settings of a topic, and return once the broker shows them."""
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(config))])
    async with asyncio.timeout(WITHIN_S):
        while await _shown(admin, topic, config) != dict(config):  # noqa: ASYNC110 (the broker is asked)
            await asyncio.sleep(_LOOK_S)


async def _leaders(admin: AIOKafkaAdminClient, topic: str) -> int:
    [found] = await admin.describe_topics([topic])
    return sum(partition["error_code"] == 0 and partition["leader"] >= 0 for partition in found["partitions"])


async def _shown(admin: AIOKafkaAdminClient, topic: str, names: Mapping[str, str]) -> dict[str, str]:
    [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict.fromkeys(names))])
    return {entry[0]: entry[1] for *_, entries in answer.resources for entry in entries}
