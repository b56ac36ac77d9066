"""`GET /orders/{id}/stream` as a browser reads it: after any status but 200 the browser never reconnects (contract, section 4)."""

import asyncio
import signal
from contextlib import aclosing

import aiohttp
import pytest

from tests.support.http.client import PLACE, Client
from tests.support.http.event_source import Event, EventSource
from tests.support.http.fixtures import Shop
from tests.system.http.test_views import token

WITHIN_S = 90
"""Time within which a killed worker's partitions surely have another owner (seconds)."""


async def follows_from_before_the_order(client: Client, order_id: str) -> None:
    """Follow an order at a worker before placing it there."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(WITHIN_S):
        source = EventSource(session, f"{client.worker.url}/orders/{order_id}/stream?wait=30")
        following = asyncio.create_task(up_to(source, "OrderPlaced"))
        await asyncio.wait([following, asyncio.create_task(source.opened.wait())], return_when=asyncio.FIRST_COMPLETED)
        assert (await client.post("/orders", {**PLACE, "orderId": order_id})).status in {201, 202}

        assert (await following)[-1].identity == "1.0"
        assert (source.headers["cache-control"], source.headers["x-accel-buffering"]) == ("no-store, no-transform", "no")


async def up_to(source: EventSource, kind: str) -> list[Event]:
    """Return all events up to the first of this type."""
    found: list[Event] = []
    async with aclosing(source.events()) as events:
        async for event in events:
            found.append(event)
            if event.kind == kind:
                break
    return found


@pytest.mark.long
async def test_a_page_may_follow_an_order_at_any_worker_before_it_places_it(shop: Shop) -> None:
    for number, client in enumerate((shop.one, shop.other) * 3):
        await follows_from_before_the_order(client, f"followed-{number}")


async def test_a_stream_of_no_order_ends_with_not_found_when_its_time_is_over(shop: Shop) -> None:
    for client in (shop.one, shop.other):
        async with asyncio.timeout(WITHIN_S):
            lines = [line async for line in client.lines("/orders/never-placed/stream?wait=0")]

        assert "event: not-found" in lines
        assert lines[0] == "retry: 1000"


@pytest.mark.parametrize("query", ["wait=31", "wait=-1", "wait=soon"])
async def test_how_long_a_stream_waits_is_bounded(shop: Shop, query: str) -> None:
    assert (await shop.one.get(f"/orders/o-1/stream?{query}")).status == 422


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_stream_outlives_the_owner_of_its_order(own_shop: Shop) -> None:
    placed = await own_shop.one.post("/orders", {**PLACE, "orderId": "outlives"})
    assert (await own_shop.one.get("/orders/outlives", **token(placed))).status == 200
    owner, other = await own_shop.owner_first("outlives")
    async with aiohttp.ClientSession() as session, asyncio.timeout(WITHIN_S):
        source = EventSource(session, f"{other.worker.url}/orders/outlives/stream")
        events = source.events()
        assert (await anext(events)).kind == "OrderPlaced"

        owner.worker.signal(signal.SIGKILL)
        cancelling = asyncio.create_task(cancelled(other, "outlives"))
        event = await anext(events)
        await cancelling
        await events.aclose()

    assert (event.kind, event.identity) == ("OrderCancelled", "2.0")
    assert source.connections > 1
    assert "Traceback" not in other.worker.said


async def cancelled(client: Client, order_id: str) -> None:
    """Cancel an order, and repeat that until its partition has an owner."""
    while (await client.post(f"/orders/{order_id}/cancel", {"reason": "r"}, idempotency_key="k")).status != 200:  # noqa: ASYNC110 (another process changes it)
        await asyncio.sleep(0.5)
