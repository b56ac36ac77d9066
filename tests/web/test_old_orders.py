"""A log that begins with events of every schema version is served, audited and moved on like any other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from app.audit.audit import audit
from tests.agents.test_old_events import EVENTS, log_of
from tests.conftest import RunningKafka
from tests.system.environment import Environment, opened
from tests.web.client import Client, ready
from tests.web.test_views import told


@pytest.fixture
async def old(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """An environment whose log has an event of each type and version; no worker has run in it."""
    async with opened(Environment(kafka.bootstrap, tmp_path)) as environment:
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            for event in EVENTS:
                await producer.send(environment.settings.topic(log_of(event.aggregate_type)), event.written, event.aggregate_id.encode())
        yield environment


async def listed(client: Client, path: str, count: int) -> list[str]:
    """The ids of the orders on a page, once it has so many."""
    async with asyncio.timeout(60):
        while len(items := (await client.get(path)).body.get("items", [])) < count:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return sorted(item["orderId"] for item in items)


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
