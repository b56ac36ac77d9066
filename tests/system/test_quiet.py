"""A shop without traffic for longer than the retention of commands: nothing was lost, so workers join, go and come back as ever."""

import asyncio
import signal
from collections.abc import Iterable

from aiokafka import TopicPartition

from app.audit.audit import audit
from app.kernel.position import positions
from app.kernel.reader import reading
from app.log import Log
from app.settings import Settings
from app.topics import AGGREGATES, command_topic
from tests.system.environment import Environment
from tests.system.shop import customer, order, product, sagas
from tests.system.worker import WHOLE
from tests.waiting import until


async def test_workers_join_and_come_back_after_a_quiet_week(small_environment: Environment) -> None:
    one = small_environment.worker("one", program=WHOLE)
    async with sagas(small_environment) as found:
        await small_environment.send([customer("c-1"), *product("p-1"), *(order(f"o-{number}", "p-1") for number in range(4))])
        await found.ended(f"o-{number}" for number in range(4))
        await quiet_week(small_environment)

        other = small_environment.worker("other", program=WHOLE)
        await until(lambda: bool(one.owned) and bool(other.owned) and one.owned | other.owned == {0, 1}, within_s=100)
        one.signal(signal.SIGTERM)
        assert await one.exit_code(within_s=20) == 0
        one.start()
        await small_environment.send([order("later-1", "p-1"), order("later-2", "p-1")])
        await found.ended(["later-1", "later-2"])

    assert "deleted before" not in one.said + other.said
    assert await audit(small_environment.settings) == []


async def quiet_week(environment: Environment) -> None:
    """Empty the topics of commands once the tasks have kept that all of them was read."""
    inputs = [TopicPartition(command_topic(environment.settings, kind), number) for kind in (*AGGREGATES, "saga") for number in range(2)]
    await environment.caught_up()
    async with reading(environment.settings.bootstrap) as consumer:
        ends = await consumer.end_offsets(inputs)
    async with asyncio.timeout(60):
        while await kept(environment.settings, inputs) != ends:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.2)
    for where, end in ends.items():
        await environment.delete_before(where.topic.removeprefix(environment.settings.topic("")), where.partition, end)


async def kept(settings: Settings, inputs: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The positions of the tasks, as their changelogs have them."""
    found = dict.fromkeys(inputs, 0)
    async with Log(settings) as log:
        for partition in range(settings.partitions):
            async for record in log.partition(settings.changelog, partition):
                if record.key.startswith(positions.prefix):
                    found[TopicPartition(record.key.removeprefix(positions.prefix).decode(), partition)] = positions.decode(record.value).offset_next
    return found
