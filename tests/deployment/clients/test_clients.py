"""Clients generated from /openapi.json place, read and cancel an order of 10^12, the most that can be paid (`make test-clients`)."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deployment.clients import toolchains
from tests.deployment.clients.toolchains import HERE, Command
from tests.support.http.client import PLACE, Client
from tests.support.http.fixtures import Shop

EXPECTED = ["PLACED 1000000000000", "CANCELLED 1000000000000", "not-found"]

pytestmark = pytest.mark.timeout(1_800)


@pytest.mark.parametrize("build", [toolchains.python, toolchains.go, toolchains.typescript, toolchains.java], ids=lambda build: build.__name__)
async def test_a_generated_client_places_reads_and_cancels_an_order(alone: Client, tmp_path: Path, build: Callable[[Path, Path], Command]) -> None:
    document, folder = tmp_path / "openapi.json", tmp_path / "client"
    document.write_text(await alone.text("/openapi.json"), encoding="utf-8")
    folder.mkdir()
    program = await asyncio.to_thread(build, document, folder)

    done = await asyncio.to_thread(subprocess.run, [*program, alone.worker.url, "flat-1"], capture_output=True, text=True, timeout=120, check=False)

    assert done.stdout.splitlines() == EXPECTED, done.stderr


async def test_an_event_source_follows_an_order_from_before_it_is_there_and_past_the_death_of_its_owner(own_shop: Shop, tmp_path: Path) -> None:
    await asyncio.to_thread(toolchains.npm, tmp_path)
    (tmp_path / "follow.mjs").write_bytes((HERE / "follow.mjs").read_bytes())
    owner, other = await owner_of_a_new_order(own_shop)
    process = await asyncio.create_subprocess_exec("node", tmp_path / "follow.mjs", other.worker.url, "followed", stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None

    async with asyncio.timeout(120):
        assert await process.stdout.readline() == b"open\n"
        await done(other, "/orders", {**PLACE, "orderId": "followed"}, 201)
        assert await process.stdout.readline() == b"OrderPlaced 1.0\n"
        owner.worker.signal(signal.SIGKILL)
        await done(other, "/orders/followed/cancel", {"reason": "r"}, 200)
        rest = (await process.stdout.read()).decode().splitlines()
        await process.wait()

    assert rest[-1] == "OrderCancelled 2.0"
    assert set(rest[:-1]) == {"open"}


async def owner_of_a_new_order(shop: Shop) -> tuple[Client, Client]:
    """Return the worker that owns `followed`, an order not placed yet, and the other worker."""
    known = await shop.one.get("/commands/Order/followed/none", foldstream_forwarded="1")
    return (shop.other, shop.one) if known.status == 503 else (shop.one, shop.other)


async def done(client: Client, path: str, body: object, status: int) -> None:
    """Send a command until it is done."""
    while (await client.post(path, body, idempotency_key=path.rpartition("/")[2])).status != status:  # noqa: ASYNC110 (another process changes it)
        await asyncio.sleep(0.5)
