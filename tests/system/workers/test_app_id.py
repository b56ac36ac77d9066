"""Two environments that share topics by mistake. Only the first one gets a worker, until an operator hands the topics over."""

import asyncio
import signal

import aiohttp
import pytest

from app.client.log_reader import LogReader
from app.errors import FoldstreamError
from app.streams.tasks.environment import KEY, claim, recorded
from app.topics.admin import apply
from app.topics.ownership import adopt
from tests.support.http.client import PLACE, ready
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.worker import WHOLE, without


async def other_environment(environment: Environment, program: tuple[str, ...]) -> None:
    """Start a worker with another app id and the same prefix. It must exit and say why."""
    await claim(environment.settings)
    other = environment.settings.model_copy(update={"app_id": "other"})
    await apply(other)

    worker = environment.worker("other", program=program, app_id="other")

    await until(lambda: worker.ended or worker.serves, within_s=60)
    assert not worker.serves
    assert await worker.exit_code(within_s=60) == 1
    assert f"belong to FOLDSTREAM_APP_ID={environment.settings.app_id}" in worker.said
    assert "foldstream topics adopt --app-id other" in worker.said


async def test_a_second_environment_on_the_same_topics_does_not_start(one_partition: Environment) -> None:
    await other_environment(one_partition, WHOLE)


@pytest.mark.control
async def test_a_second_environment_that_starts_all_the_same_is_found(one_partition: Environment) -> None:
    with pytest.raises(AssertionError):
        await other_environment(one_partition, without("environment"))


@pytest.mark.long
async def test_topics_are_given_over_once_no_worker_of_the_former_environment_runs(one_partition: Environment) -> None:
    settings = one_partition.settings
    other = settings.model_copy(update={"app_id": f"{settings.app_id}-other"})
    former = one_partition.worker("former")
    async with aiohttp.ClientSession() as session:
        client = await ready(session, former)
        order_id = (await client.post("/orders", PLACE)).body["orderId"]
        with pytest.raises(FoldstreamError, match=r"1 workers with FOLDSTREAM_APP_ID=.* run: stop them first"):
            await adopt(settings, other.app_id, "a better name")
        former.signal(signal.SIGTERM)
        await former.exit_code(within_s=60)
        await one_partition.left()

        await adopt(settings, other.app_id, "a better name")
        await apply(other)
        successor = await ready(session, one_partition.worker("successor", app_id=other.app_id))
        cancelled = await successor.post(f"/orders/{order_id}/cancel", {"reason": "as before"})

    assert (cancelled.status, cancelled.body["version"]) == (200, 2)
    with pytest.raises(FoldstreamError, match=f"belong to FOLDSTREAM_APP_ID={other.app_id}"):
        await claim(settings)
    found = await recorded(settings)
    assert found is not None
    assert (found.adopted_from, found.reason) == (settings.app_id, "a better name")


async def test_workers_that_start_together_record_their_environment_once(one_partition: Environment) -> None:
    await asyncio.gather(*(claim(one_partition.settings) for _ in range(3)))

    found = await recorded(one_partition.settings)
    assert found is not None
    assert (found.app_id, found.partitions) == (one_partition.settings.app_id, 1)
    assert await keys(one_partition) == [KEY]


async def keys(environment: Environment) -> list[bytes]:
    """Return the keys of all records on `owners`."""
    async with LogReader(environment.settings) as log:
        return [record.key async for record in log.topic(environment.settings.topic("owners"))]


async def test_another_number_of_partitions_than_the_log_was_written_with_is_refused_at_start(small_environment: Environment) -> None:
    settings = small_environment.settings
    await claim(settings)
    for topic in ("owners", "commands.order"):
        await small_environment.add_partitions(topic, 4)

    with pytest.raises(FoldstreamError, match="FOLDSTREAM_PARTITIONS=2"):
        await claim(settings.model_copy(update={"partitions": 4}))
