"""Log that begins with events of every schema version: it is served, continued and verified like any other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from app.verify.run import audit
from tests.conftest import RunningKafka
from tests.support.http.client import Client, ready
from tests.support.workers.environment import Environment, opened
from tests.system.http.test_history import event, write_events
from tests.system.http.test_views import told
from tests.unit.read_models.test_old_events import EVENTS, log_of


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics, in which no worker has run."""
    async with opened(Environment(kafka.bootstrap, tmp_path)) as fresh:
        yield fresh


@pytest.fixture
async def old(environment: Environment) -> Environment:
    """Return new topics, with an event of each type and version in the log."""
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap) as producer:
        for each in EVENTS:
            await producer.send(environment.settings.topic(log_of(each.aggregate_type)), each.written, each.aggregate_id.encode())
    return environment


async def listed(client: Client, path: str, count: int) -> list[str]:
    """Return the ids of the orders on a page, once it has this many."""
    async with asyncio.timeout(60):
        while len(items := (await client.get(path)).body.get("items", [])) < count:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return sorted(item["orderId"] for item in items)


@pytest.mark.long
async def test_events_of_every_schema_version_are_shown_moved_on_and_audited_and_none_is_parked(old: Environment) -> None:
    async with aiohttp.ClientSession() as session:
        client = await ready(session, old.worker("alone"))
        order = await told(client, "/orders/o-2", status="CANCELLED")
        named = await told(client, "/orders/o-2", customerName="Ada L.")
        cancelled = await client.post("/orders/o-4/cancel", {"reason": "late"})
        moved = await told(client, "/orders/o-4", status="CANCELLED", version=2)

        assert (order.body["currency"], order.body["totalAmount"], order.body["itemCount"]) == ("KRW", 1_000, 1)
        assert (cancelled.status, moved.body["currency"], named.body["customerEmail"]) == (200, "KRW", "ada@example.org")
        assert await listed(client, "/orders?customerId=c-1", 4) == ["o-1", "o-2", "o-3", "o-4"]
        assert await listed(client, "/orders?status=CANCELLED", 2) == ["o-2", "o-4"]
        assert await listed(client, "/orders?status=SHIPPED", 2) == ["o-1", "o-3"]
        assert (await client.get("/orders/o-2/saga")).body["status"] == "FAILED"
        assert [each["schemaVersion"] for each in (await client.get("/orders/o-2/events")).body["items"]] == [2, 1]
        assert (await client.get("/parked")).body == {"items": [], "next": None}
        counted: list[str] = []
        assert await audit(old.settings, tell=counted.append) == []
        assert any(line.startswith("views: 4 of order_summary, 4 of customer_orders, 4 of orders_by_status") for line in counted), counted


@pytest.mark.long
async def test_rows_of_an_order_of_which_a_view_has_parked_an_event_are_counted_as_unjudged(environment: Environment) -> None:
    await write_events(environment, "events.order", [event("gap", 1), event("gap", 3), event("whole", 1)])
    async with aiohttp.ClientSession() as session:
        client = await ready(session, environment.worker("alone"))
        async with asyncio.timeout(60):
            while len((await client.get("/parked")).body["items"]) < 4:  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(0.05)
        counted: list[str] = []

        findings = await audit(environment.settings, tell=counted.append)

    assert {line.partition(":")[0] for line in findings} == {"version-gap"}
    assert "unjudged: 1 of order_summary, 1 of customer_orders, 1 of orders_by_status, 1 of history, of which events are parked or cannot be read" in counted
    assert any(line.startswith("views: 1 of order_summary, 1 of customer_orders") for line in counted)
