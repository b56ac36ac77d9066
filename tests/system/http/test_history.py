"""Histories and pages of events over HTTP (contract, section 4)."""

import asyncio
import json
import shutil
import signal
from collections.abc import Iterable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from app.client.log_reader import LogReader
from app.streams.kafka.partitioner import partition_of
from app.topics.contract import AGGREGATES
from tests.support.http.client import PLACE, Answer, Client, settled
from tests.support.http.fixtures import Shop
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import traffic


async def seen(client: Client, path: str) -> Answer:
    """Return the answer to a read, once it is neither 404 nor 503."""
    async with asyncio.timeout(60):
        while (answer := await client.get(path)).status in {404, 503}:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return answer


async def history(client: Client, order_id: str, length: int) -> list[dict[str, Any]]:
    """Return the events of an order, once there are this many."""
    async with asyncio.timeout(60):
        while len(items := (await seen(client, f"/orders/{order_id}/events")).body["items"]) < length:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return list(items)


async def all_events(client: Client, event_type: str, since: str = "") -> list[dict[str, Any]]:
    """Return all events of a type, from all pages. A page that takes long ends early, and the next one begins where it ended."""
    found, begin, reached = list[dict[str, Any]](), since and f"&from={since}", None
    async with asyncio.timeout(60):
        while (page := (await client.get(f"/events?type={event_type}&limit=1000{begin}")).body)["next"] != reached:
            found += page["items"]
            reached = page["next"]
            begin = f"&position={reached}"
    return found


async def write_events(environment: Environment, topic: str, events: Iterable[dict[str, Any]]) -> None:
    """Write events to the log of record, as other code would have written them."""
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap) as producer:
        for event in events:
            await producer.send(environment.settings.topic(topic), json.dumps(event).encode(), event["aggregateId"].encode())


def event(aggregate_id: str, version: int, **more: object) -> dict[str, Any]:
    """Return an event as written to the log. The first version places an order, later ones confirm it."""
    placed = {"eventType": "OrderPlaced", "schemaVersion": 2, "payload": {**PLACE, "totalAmount": 10, "shippingMethod": "STANDARD"}}
    confirmed = {"eventType": "OrderConfirmed", "schemaVersion": 1, "payload": {"confirmedAt": "2026-01-01T00:00:00.000Z"}}
    named = {"eventId": f"{aggregate_id}-{version}", "aggregateId": aggregate_id, "aggregateType": "Order", "version": version}
    about = {"timestamp": "2026-01-01T00:00:00.000Z", "metadata": {"correlationId": "c", "causationId": "c"}}
    return {**named, **about, **(placed if version == 1 else confirmed), **more}


@pytest.mark.long
async def test_the_history_of_an_aggregate_is_told_by_any_worker(shop: Shop) -> None:
    await shop.one.post("/orders", {**PLACE, "orderId": "o-1"})
    cancelled = await shop.other.post("/orders/o-1/cancel", {"reason": "late"})
    await shop.one.post("/products", {"name": "A thing", "price": 5, "currency": "EUR", "productId": "o-1"})
    token = {"consistency_token": cancelled.headers["consistency-token"], "prefer": "wait=30"}

    for client in (shop.one, shop.other):
        whole = await client.get("/orders/o-1/events", **token)
        assert whole.status == 200
        assert [(each["version"], each["eventType"], each["aggregateId"]) for each in whole.body["items"]] == [
            (1, "OrderPlaced", "o-1"),
            (2, "OrderCancelled", "o-1"),
        ]
        assert whole.body["items"][1]["payload"] == {"reason": "late"}
        assert (await client.get("/orders/o-1/events?fromVersion=2")).body == {"items": whole.body["items"][1:]}
        assert (await client.get("/orders/o-1/events?fromVersion=3")).body == {"items": []}
        assert [each["eventType"] for each in (await seen(client, "/products/o-1/events")).body["items"]] == ["ProductRegistered"]

    refused = [
        await shop.one.get(path, **headers)
        for path, headers in (
            ("/customers/o-1/events", {}),
            ("/orders/o-1/events?fromVersion=0", {}),
            ("/orders/o-1/events?fromVersion=one", {}),
            ("/products/o-1/events", token),
            ("/orders/o%201/events", {}),
        )
    ]
    assert [(each.status, each.body["code"]) for each in refused] == [
        (404, "not-found"),
        (422, "invalid"),
        (422, "invalid"),
        (400, "token-not-applicable"),
        (422, "invalid"),
    ]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_history_is_the_same_bytes_after_its_owner_was_killed_and_its_disk_is_lost(own_shop: Shop) -> None:
    await own_shop.one.post("/orders", {**PLACE, "orderId": "o-1"})
    await own_shop.one.post("/orders/o-1/cancel", {"reason": "late"})
    await history(own_shop.one, "o-1", 2)
    owner, survivor = await own_shop.owner_first("o-1")
    before = await survivor.text("/orders/o-1/events")

    owner.worker.signal(signal.SIGKILL)
    owner.worker.destroy()
    shutil.rmtree(owner.worker.datadir)

    await seen(survivor, "/orders/o-1/events")
    assert await survivor.text("/orders/o-1/events") == before
    owner.worker.start()
    await until(lambda: owner.worker.said.count("HTTP at") == 2, within_s=60)
    await settled(owner, survivor)
    for client in (owner, survivor):
        assert (await seen(client, "/orders/o-1/events")).status == 200
        assert await client.text("/orders/o-1/events") == before
    assert 'foldstream_recovery_seconds_count{task="view"}' in await survivor.text("/metrics")


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_every_history_is_what_the_log_says_after_workers_were_killed_under_load(own_shop: Shop) -> None:
    commands = traffic(1_500)
    async with Results(own_shop.environment.settings) as results:
        await own_shop.environment.send(commands)
        for count, victim in ((100, own_shop.one), (600, own_shop.other)):
            await results.number(count)
            victim.worker.signal(signal.SIGKILL)
            victim.worker.destroy()
            victim.worker.start()
        await results.number(len(commands))
    await until(lambda: all(client.worker.said.count("HTTP at") == 2 for client in (own_shop.one, own_shop.other)), within_s=60)
    await settled(own_shop.one, own_shop.other)

    recorded = await log_of_record(own_shop.environment)
    assert len(recorded) > 150
    for (kind, identity), events in recorded.items():
        path = f"/{kind}s/{identity}/events"
        async with asyncio.timeout(30):
            while (told := (await seen(own_shop.one, path)).body["items"]) != events:
                assert told == events[: len(told)], "what is told late is told right"


async def log_of_record(environment: Environment) -> dict[tuple[str, str], list[Any]]:
    """Return the events in the log, by aggregate."""
    found: dict[tuple[str, str], list[Any]] = {}
    async with LogReader(environment.settings) as log:
        for kind in AGGREGATES:
            async for record in log.topic(environment.settings.topic(f"events.{kind}")):
                found.setdefault((kind, record.key.decode()), []).append(json.loads(record.value))
    return found


async def test_a_history_of_any_length_is_sent_whole_also_by_a_worker_that_does_not_own_it(shop: Shop) -> None:
    await write_events(shop.environment, "events.order", [event("long", version, padding="x" * 500) for version in range(1, 3_001)])
    await history(shop.one, "long", 3_000)

    for client in (shop.one, shop.other):
        assert [each["version"] for each in (await client.get("/orders/long/events")).body["items"]] == list(range(1, 3_001))


async def test_an_event_of_an_old_schema_is_told_in_todays(shop: Shop) -> None:
    old = event("old", 1, eventType="OrderPlaced", payload={"customerId": "c", "items": [], "totalAmount": 0, "shippingAddress": "Seoul"})
    del old["schemaVersion"]
    await write_events(shop.environment, "events.order", [old])

    [told] = (await seen(shop.one, "/orders/old/events")).body["items"]
    [paged] = [each for each in await all_events(shop.other, "OrderPlaced") if each["aggregateId"] == "old"]

    assert told == {**old, "schemaVersion": 2, "payload": {**old["payload"], "currency": "KRW", "shippingMethod": "STANDARD"}}
    assert paged == told


@pytest.mark.long
async def test_an_event_of_a_newer_schema_stops_the_view_of_its_partition_and_nothing_else(own_shop: Shop) -> None:
    partition = partition_of(b"new", 4)
    elsewhere = next(name for name in map(str, range(100)) if partition_of(name.encode(), 4) != partition)
    await write_events(own_shop.environment, "events.order", [event("new", 1, eventType="OrderConfirmed", schemaVersion=99)])

    async def stopped() -> bool:
        return any([f"view {partition} (stopped" in str((await client.get("/readyz")).body) for client in (own_shop.one, own_shop.other)])

    async with asyncio.timeout(60):
        while not await stopped():  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)

    for client in (own_shop.one, own_shop.other):
        answer = await client.get("/orders/new/events")
        assert (answer.status, answer.body["code"], answer.headers["retry-after"]) == (503, "view-stopped", "1")
    for order_id in ("new", elsewhere):
        assert (await own_shop.one.post("/orders", {**PLACE, "orderId": order_id})).status == 201
    assert len((await seen(own_shop.other, f"/orders/{elsewhere}/events")).body["items"]) == 1
    page = await own_shop.one.get("/events?type=OrderConfirmed")
    async with asyncio.timeout(60):
        while page.status == 200:
            assert page.body["items"] == []
            page = await own_shop.one.get(f"/events?type=OrderConfirmed&position={page.body['next']}")
    assert (page.status, page.body["code"]) == (503, "newer-schema")
    assert "install the newer Foldstream" in own_shop.one.worker.said + own_shop.other.worker.said


@pytest.mark.long
async def test_pages_give_every_event_exactly_once_while_events_are_written(own_shop: Shop) -> None:
    async def write() -> None:
        for number in range(120):
            assert (await own_shop.one.post("/orders", {**PLACE, "orderId": f"o-{number}"})).status == 201
            await own_shop.one.post(f"/orders/o-{number}/cancel", {"reason": "late"})

    writing = asyncio.create_task(write())
    events, position, turn = list[dict[str, Any]](), "", 0
    async with asyncio.timeout(90):
        while len(events) < 120:
            client, turn = (own_shop.one, own_shop.other)[turn % 2], turn + 1
            page = (await client.get(f"/events?type=OrderPlaced&limit=7{position}")).body
            assert len(page["items"]) <= 7
            events += page["items"]
            position = f"&position={page['next']}"
    await writing

    assert sorted(each["aggregateId"] for each in events) == sorted(f"o-{number}" for number in range(120))
    assert {each["eventType"] for each in events} == {"OrderPlaced"}
    for end in (f"/events?type=OrderPlaced{position}", "/events?type=OrderPlaced&from=2100-01-01T00:00:00Z"):
        assert (await own_shop.one.get(end)).body["items"] == []
    since = await all_events(own_shop.one, "OrderPlaced", events[60]["timestamp"])
    assert {each["eventId"] for each in events if each["timestamp"] >= events[60]["timestamp"]} <= {each["eventId"] for each in since}
    assert len(await all_events(own_shop.one, "OrderPlaced", "1969-12-31T23:00:00-05:00")) == 120


FAULTS = [
    ("/events", {}, 422, "invalid"),
    ("/events?type=OrderEaten", {}, 422, "invalid"),
    ("/events?type=OrderPlaced&limit=0", {}, 422, "invalid"),
    ("/events?type=OrderPlaced&limit=1001", {}, 422, "invalid"),
    ("/events?type=OrderPlaced&position=nonsense", {}, 422, "invalid"),
    ("/events?type=OrderPlaced&position=T3JkZXJQbGFjZWQgMCA5OTk5LDAsMCww", {}, 422, "invalid"),
    ("/events?type=OrderPlaced&from=yesterday", {}, 422, "invalid"),
    ("/events?type=OrderPlaced", {"consistency_token": "any"}, 400, "token-not-applicable"),
]
"""Faulty requests. The position in the sixth is one of OrderPlaced, in a partition with fewer records."""


async def test_what_is_wrong_with_a_request_for_events_is_told_and_how_far_views_are(shop: Shop) -> None:
    answers = [await shop.one.get(path, **headers) for path, headers, _, _ in FAULTS]
    assert [(answer.status, answer.body["code"]) for answer in answers] == [(status, code) for _, _, status, code in FAULTS]

    await shop.one.post("/orders", {**PLACE, "orderId": "o-2"})
    named = f'agent="history",partition="{partition_of(b"o-2", 4)}",topic="{shop.environment.settings.topic("events.order")}"'
    async with asyncio.timeout(60):
        while f"foldstream_lag_records{{{named}}} 0.0" not in await shop.one.text("/metrics"):  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.2)
