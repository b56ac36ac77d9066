"""Command topic that is created again while it has parked records: none of them is lost, and verify finds nothing at any point."""

import asyncio

import aiohttp
import pytest

from app.client.parked_records import open_records
from app.client.results import Json
from app.verify.run import audit
from tests.support.http.client import Client, ready
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.shop import command, product
from tests.system.http.test_parked import parked
from tests.system.http.test_views import told


def thing(name: str) -> list[Json]:
    """Return commands: register a product with 10 pieces, an unknown command, and 7 pieces more."""
    return [*product(name), command("Product", name, "Mislay"), command("Product", name, "ReceiveStock", "again", quantity=7)]


async def places(client: Client, count: int) -> list[tuple[int, str]]:
    """Return offsets and keys of the parked records, once there are this many."""
    async with asyncio.timeout(60):
        while len(found := await parked(client)) != count:  # noqa: ASYNC110 (the worker is asked)
            await asyncio.sleep(0.05)
    return [(item["offset"], item["key"]) for item in found]


async def discarded(client: Client, environment: Environment, offset: int) -> None:
    """Discard the parked record at this offset."""
    answer = await client.post(f"/parked/{environment.settings.topic('commands.product')}/0/{offset}/discard", {"reason": "no such command"})
    assert answer.status == 200


@pytest.mark.long
async def test_what_was_parked_from_a_topic_that_was_created_again_stays_open_and_verify_finds_nothing(one_partition: Environment) -> None:
    worker, old, new = one_partition.worker("worker"), thing("p-1"), thing("p-2")
    async with aiohttp.ClientSession() as session:
        client = await ready(session, worker)
        await one_partition.send(old)
        assert await places(client, 2) == [(2, "p-1"), (3, "p-1")]

        await one_partition.lose(one_partition.settings.topic("commands.product"))
        assert await audit(one_partition.settings) == [], "whoever reads the new topic"
        await until(lambda: "is a topic not read before" in worker.said, within_s=60)
        await one_partition.send(new)
        assert await places(client, 4) == [(2, "p-1"), (3, "p-1"), (2, "p-2"), (3, "p-2")]
        assert await audit(one_partition.settings) == []
        assert sorted([row.offset async for row in open_records(one_partition.settings)]) == [2, 2, 3, 3]

        await discarded(client, one_partition, 2)
        assert await places(client, 2) == [(2, "p-2"), (3, "p-2")]
        await told(client, "/products/p-1", onHand=17)
        await discarded(client, one_partition, 2)
        assert await places(client, 0) == []
        await told(client, "/products/p-2", onHand=17)
    assert await audit(one_partition.settings) == []
