"""`foldstream rebuild` with real workers: a rebuild survives kills, and readers do not notice it."""

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from tests.conftest import RunningKafka
from tests.support.foldstream import foldstream
from tests.support.http.client import PLACE, Client, ready
from tests.support.http.fixtures import Shop
from tests.support.workers import held
from tests.support.workers.environment import Environment
from tests.support.workers.worker import WHOLE
from tests.system.http.test_history import event, history, write_events
from tests.system.http.test_views import told

EVENTS = 30_000


def command_line(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run `foldstream rebuild ...` for an environment."""
    chosen = settings.model_dump(mode="json", include={"broker", "topic_prefix", "app_id", "partitions"})
    return foldstream("rebuild", *words, **chosen)


async def rebuild(settings: Settings, *words: str, table: str = "history") -> list[str]:
    """Run a rebuild that must succeed. Return the lines it printed."""
    done = await asyncio.to_thread(command_line, settings, table, *words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


async def state(client: Client) -> dict[str, Any]:
    """Return the progress of partition 0, or nothing while that is not served."""
    answer = await client.get("/tables/history/0")
    return dict(answer.body) if answer.status == 200 else {}


@pytest.fixture
async def long(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield an environment with one partition and a long log of one order."""
    environment = Environment(kafka.bootstrap, tmp_path, partitions=1)
    try:
        await environment.create_topics()
        await write_events(environment, "events.order", (event("o-1", version) for version in range(1, EVENTS + 1)))
        yield environment
    finally:
        environment.close()


async def _read(client: Client, versions: int) -> None:
    """Read a history without pause. Raise if a read fails, or shows less than the whole."""
    while True:
        answer = await client.get("/orders/o-1/events")
        assert (answer.status, len(answer.body["items"])) == (200, versions)


@pytest.mark.long
async def test_all_partitions_are_rebuilt_and_rolled_back_while_histories_are_read(own_shop: Shop) -> None:
    environment = own_shop.environment
    await write_events(environment, "events.order", [event(f"o-{number}", version) for number in range(50) for version in (1, 2)])
    for client in (own_shop.one, own_shop.other):
        await history(client, "o-1", 2)
    reading = [asyncio.create_task(_read(client, 2)) for client in (own_shop.one, own_shop.other)]

    rebuilt = await rebuild(environment.settings)
    rolled_back = await rebuild(environment.settings, "--rollback")

    assert [line.partition(":")[0] for line in rebuilt] == [f"history [{partition}]" for partition in range(4)]
    assert all("generation 2; the same rows as before, byte by byte" in line for line in rebuilt)
    assert all("rolled back" in line and "generation 1; the same rows" in line for line in rolled_back)
    assert not any(each.done() for each in reading)
    for each in reading:
        each.cancel()
    await asyncio.gather(*reading, return_exceptions=True)


@pytest.mark.long
async def test_a_rebuild_says_how_many_events_it_parked_and_ends_with_1(own_shop: Shop) -> None:
    environment, partition = own_shop.environment, partition_of(b"gap", 4)
    await write_events(environment, "events.order", [event("gap", 1), event("gap", 3), event("gap", 4)])
    await _until_parked(own_shop.one, 2)

    done = await asyncio.to_thread(command_line, environment.settings, "orders_by_status")
    table = await own_shop.other.get(f"/tables/orders_by_status/{partition}")

    lines = done.stdout.splitlines()
    assert (done.returncode, table.body["last"]["parked"]) == (1, 2)
    assert "3 events, 2 of them PARKED (`foldstream parked list` has each), generation 2; the same rows" in lines[partition]
    assert [line for line in lines if "PARKED" in line] == [lines[partition]]


async def _until_parked(client: Client, count: int) -> None:
    """Return once the table has parked this many events."""
    async with asyncio.timeout(60):
        while [each["agent"] for each in (await client.get("/parked")).body["items"]].count("orders_by_status") < count:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)


TABLES = ("order_summary", "customer_orders", "orders_by_status", "product_stock", "customer_account", "saga_status")


@pytest.mark.long
@pytest.mark.parametrize("program", [WHOLE])
@pytest.mark.timeout(300)
async def test_tables_of_all_kinds_are_the_same_rows_when_they_are_rebuilt(own_shop: Shop) -> None:
    for number in range(6):
        customer = {"customerId": f"c-{number}", "name": "Ada", "email": "a@example.org", "creditLimit": 10, "currency": "EUR"}
        await own_shop.one.post("/customers", customer)
        await own_shop.one.post("/orders", {**PLACE, "customerId": f"c-{number % 4}", "orderId": f"o-{number}"})
        await own_shop.other.ask("PATCH", f"/customers/c-{number}", {"name": "Bea"})
    await own_shop.one.post("/products", {"productId": "p-2", "name": "P", "price": 5, "currency": "EUR"})
    for number in range(6):
        await told(own_shop.one, f"/orders/o-{number}/saga", status="FAILED")

    for table in TABLES:
        lines = await rebuild(own_shop.environment.settings, table=table)
        assert all("generation 2; the same rows as before, byte by byte" in line for line in lines), lines

    listed = (await own_shop.other.get("/orders?status=CANCELLED")).body["items"]
    assert sorted((each["orderId"], each["customerName"]) for each in listed) == [(f"o-{number}", "Bea") for number in range(6)]


@pytest.mark.long
async def test_a_table_that_does_not_exist_is_answered_with_those_that_do(own_shop: Shop) -> None:
    done = await asyncio.to_thread(command_line, own_shop.environment.settings, "histories")

    assert done.returncode == 1
    assert "unknown-table: the tables are" in done.stderr
    assert "history" in done.stderr


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_rebuild_goes_on_after_its_command_and_its_worker_were_killed(long: Environment) -> None:
    worker = long.worker("alone", program=held.PROGRAM)
    async with aiohttp.ClientSession() as session:
        client = await ready(session, worker)
        assert (await state(client))["done"] == EVENTS, "nothing is being built"
        (worker.datadir / held.FILE).touch()
        begun = asyncio.create_task(asyncio.to_thread(command_line, long.settings, "history"))
        async with asyncio.timeout(60):
            while not 0 < (await state(client)).get("done", 0) < EVENTS:  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(0.01)
        paused = await client.post("/tables/history/0/pause", {"rebuildId": "any"})
        (worker.datadir / held.FILE).unlink()
        await begun
        assert (paused.body["status"], paused.body["generation"]) == ("paused", 1)
        worker.signal(signal.SIGKILL)
        await worker.exit_code(within_s=60)
        worker.start()
        client = await ready(session, worker)
        assert (await state(client))["rebuildId"] == paused.body["rebuildId"]

        [line] = await rebuild(long.settings)

        after = await state(client)
        assert (after["generation"], after["kept"]) == (2, 1)
        assert after["last"] == {"rebuildId": paused.body["rebuildId"], "generation": 2, "same": True, "parked": 0}
        assert line == f"history [0]: rebuilt from {EVENTS:,} events, generation 2; the same rows as before, byte by byte"
        assert len(await history(client, "o-1", EVENTS)) == EVENTS
