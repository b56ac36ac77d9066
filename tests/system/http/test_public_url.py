"""Workers behind a proxy, under a path of a shared host. Their locations are URLs that clients can reach (FOLDSTREAM_PUBLIC_URL)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import RunningKafka
from tests.support.http.client import PLACE, Client, ready, settled
from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM, without

PUBLIC = "https://shared.example/shop"


@asynccontextmanager
async def two_workers(kafka: RunningKafka, directory: Path, program: tuple[str, ...] = PROGRAM) -> AsyncIterator[list[Client]]:
    environment = Environment(kafka.bootstrap, directory)
    try:
        await environment.create_topics()
        workers = [environment.worker(name, program=program, public_url=f"{PUBLIC}/") for name in ("one", "other")]
        async with aiohttp.ClientSession() as session:
            clients = [await ready(session, worker) for worker in workers]
            await settled(*clients)
            yield clients
    finally:
        environment.close()


async def locations_are_public(clients: list[Client]) -> None:
    """Assert that locations are public, whichever worker answers and whichever owns the order."""
    for number in range(4):
        for client in clients:
            placed = await client.post("/orders", {**PLACE, "orderId": f"public-{number}"}, idempotency_key="k")
            path = f"/orders/public-{number}" if placed.status == 201 else f"/commands/Order/public-{number}/k"
            assert placed.headers["location"] == PUBLIC + path


@pytest.mark.long
async def test_what_workers_name_is_where_clients_find_it(kafka: RunningKafka, tmp_path: Path) -> None:
    async with two_workers(kafka, tmp_path) as clients:
        await locations_are_public(clients)
        [client, _] = clients
        document = await client.get("/openapi.json")

        assert document.body["servers"] == [{"url": PUBLIC}]
        assert "'/shop/openapi.json'" in await client.text("/docs")
        assert (await client.get("/shop/openapi.json")).body == document.body, "a proxy may leave the path as it is"
        assert (await client.ask("OPTIONS", "/shop/orders")).headers["allow"] == (await client.ask("OPTIONS", "/orders")).headers["allow"]
        assert "Deprecat" not in client.worker.said
        assert (await client.get("/shop/orders/never-placed")).body["code"] == "not-found"


@pytest.mark.control
async def test_locations_without_the_public_url_are_found(kafka: RunningKafka, tmp_path: Path) -> None:
    async with two_workers(kafka, tmp_path, without("public-locations")) as clients:
        with pytest.raises(AssertionError):
            await asyncio.wait_for(locations_are_public(clients), 60)
