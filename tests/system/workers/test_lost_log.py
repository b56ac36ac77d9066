"""Topics deleted under a worker: a lost log of record stops the tasks that need it; other topics recover within seconds."""

import asyncio

import aiohttp
import pytest

from app.client.workers import owner
from tests.support.http.client import PLACE, Client, ready
from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM, without


@pytest.mark.long
async def test_a_log_created_again_under_a_worker_stops_its_task_and_its_view_and_nothing_is_wiped(one_partition: Environment) -> None:
    await created_again(one_partition, PROGRAM, within_s=60)


@pytest.mark.long
@pytest.mark.control
async def test_a_log_that_is_not_watched_is_found(one_partition: Environment) -> None:
    with pytest.raises(TimeoutError):
        await created_again(one_partition, without("log-watch"), within_s=12)


async def created_again(one_partition: Environment, program: tuple[str, ...], within_s: float) -> None:
    """Delete and recreate a log of record. The empty log shows no offsets, so only its id reveals that."""
    worker, lost = one_partition.worker("worker", program=program), one_partition.settings.topic("events.order")
    async with aiohttp.ClientSession() as session:
        client = await ready(session, worker)
        assert (await client.post("/orders", PLACE)).status == 201

        await one_partition.lose(lost)
        reason = f"the log of record {lost} was deleted and created again"
        async with asyncio.timeout(within_s):
            while (answer := await client.get("/readyz")).body.get("detail", "").count(reason) < 2:  # the task and the view  # noqa: ASYNC110 (the worker is asked)
                await asyncio.sleep(0.05)

        assert (answer.status, (await client.get("/healthz")).status) == (503, 200)
        assert "--accept-loss" in answer.body["detail"]
        assert (await client.post("/orders", PLACE)).status == 503
    assert "is wiped" not in worker.said
    assert "rebuilds" not in worker.said.partition("is opened again")[2]


@pytest.mark.long
async def test_commands_are_read_and_the_owner_is_known_soon_after_their_topics_were_created_again(one_partition: Environment) -> None:
    worker, topic = one_partition.worker("worker"), one_partition.settings.topic
    async with aiohttp.ClientSession() as session:
        client = await ready(session, worker)
        assert (await client.post("/orders", PLACE)).status == 201

        await one_partition.lose(topic("commands.order"))
        await accepted(client)

        await one_partition.lose(topic("owners"))
        async with asyncio.timeout(60):
            while (found := await owner(one_partition.settings, 0)) is None:  # noqa: ASYNC110 (the worker writes it)
                await asyncio.sleep(0.05)
        assert found.url == worker.url


async def accepted(client: Client) -> None:
    """Repeat a write until it is accepted, in less time than a consumer's own refresh of topics takes (five minutes)."""
    async with asyncio.timeout(120):
        while (await client.post("/orders", PLACE)).status != 201:  # noqa: ASYNC110 (the worker is asked)
            await asyncio.sleep(0.1)
