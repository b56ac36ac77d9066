"""Read positions of commands. Questions about commands get true answers during another producer's open transaction, and behind commit markers."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from tests.conftest import RunningKafka
from tests.support.http.client import Client, ready
from tests.support.http.fixtures import Shop
from tests.support.workers.environment import Environment
from tests.support.workers.traffic import order
from tests.support.workers.worker import without


async def answered(client: Client, path: str, status: int) -> None:
    """Wait until a question is answered with this status."""
    async with asyncio.timeout(60):
        while (await client.get(path)).status != status:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)


async def shows(client: Client, metric: str, order_id: str, settings: Settings, *, something: bool) -> None:
    """Wait until a metric of the order's partition is above 0, or is 0."""
    partition = partition_of(order_id.encode(), settings.partitions)
    pattern = rf'^foldstream_{metric}{{.*partition="{partition}",topic="{settings.topic("commands.order")}"}} (\S+)$'
    async with asyncio.timeout(60):
        while [float(value) > 0 for value in re.findall(pattern, await client.text("/metrics"), re.MULTILINE)] != [something]:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.2)


@asynccontextmanager
async def hanging(settings: Settings, order_id: str) -> AsyncIterator[AIOKafkaProducer]:
    """Yield a producer that has written a command in a transaction that stays open."""
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-hangs") as producer:
        await producer.begin_transaction()
        await producer.send_and_wait(settings.topic("commands.order"), msgspec.json.encode(order(order_id)), order_id.encode())
        yield producer


def asked(order_id: str) -> str:
    """Return the path of the question about the command that places an order."""
    return f"/commands/Order/{order_id}/{order(order_id)['commandId']}"


@pytest.mark.long
async def test_a_command_that_never_came_is_unknown_also_where_a_commit_marker_is_the_last_thing(shop: Shop) -> None:
    await shop.environment.send([order("marked")], transactional_id=f"{shop.environment.settings.app_id}-sender")
    await answered(shop.one, asked("marked"), 200)

    await answered(shop.one, "/commands/Order/marked/never", 404)


@pytest.mark.long
async def test_a_command_in_an_open_transaction_may_still_come_and_the_metrics_show_it(shop: Shop) -> None:
    settings = shop.environment.settings
    async with hanging(settings, "hung") as producer:
        assert (await shop.one.get(asked("hung"))).status == 202
        for metric in ("lag_records", "lag_seconds", "open_transaction_seconds"):
            await shows(shop.other, metric, "hung", settings, something=True)
        assert (await shop.other.get(asked("hung"))).status == 202
        await producer.abort_transaction()

    await answered(shop.one, asked("hung"), 404)
    for metric in ("lag_records", "lag_seconds", "open_transaction_seconds"):
        await shows(shop.other, metric, "hung", settings, something=False)


async def test_it_is_answered_once_the_transaction_is_committed(shop: Shop) -> None:
    async with hanging(shop.environment.settings, "committed") as producer:
        assert (await shop.one.get(asked("committed"))).status == 202
        await producer.commit_transaction()

    await answered(shop.one, asked("committed"), 200)


async def test_what_is_unknown_may_have_been_done_and_the_answer_says_where_to_look(shop: Shop) -> None:
    unknown = await shop.one.get("/commands/Order/nobody/nothing")

    assert unknown.status == 404
    assert "causationId" in unknown.body["detail"]


@pytest.mark.long
@pytest.mark.control
async def test_positions_that_stay_below_markers_and_ends_below_open_transactions_are_found(kafka: RunningKafka, tmp_path: Path) -> None:
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        async with aiohttp.ClientSession() as session:
            client = await ready(session, environment.worker("worker", program=without("read-up-to")))
            async with hanging(environment.settings, "hung"):
                assert (await client.get(asked("hung"))).status == 404
            await environment.send([order("marked")], transactional_id=f"{environment.settings.app_id}-sender")
            await answered(client, asked("marked"), 200)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(5):
                    await answered(client, "/commands/Order/marked/never", 404)
    finally:
        environment.close()
