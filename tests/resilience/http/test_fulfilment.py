"""Fulfilment of orders while workers are killed: each order is completed or compensated, as the log shows."""

import asyncio
import random
import signal
from collections import Counter, defaultdict
from typing import Any

import aiohttp
import msgspec
import pytest

from app.client.log_reader import LogReader
from app.settings import Settings
from app.topics.contract import event_topic
from app.verify.run import audit
from tests.support.http.buyer import Buyer
from tests.support.http.client import PLACE, Client
from tests.support.http.fixtures import Shop
from tests.support.workers.worker import WHOLE

ORDERS, CUSTOMERS, PRODUCTS, PIECES, SEED = 2_000, 300, 20, 120, 11
"""Sizes of the test. An order wants 2 products on average, 2 pieces of each; half of that is in stock."""

KILL_EVERY_S = 5.0
LOT = 250
"""Number of orders placed right after each kill, so that there are enough kills however fast orders complete."""

WITHIN_S = 420
ENDED = {"SagaCompleted", "SagaFailed"}

Events = dict[str, list[dict[str, Any]]]
"""Events by aggregate id, in order."""


@pytest.fixture
def program() -> tuple[str, ...]:
    """Return arguments of a worker with sagas."""
    return WHOLE


async def events(settings: Settings, aggregate: str) -> Events:
    """Return all events of a log of record."""
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    async with LogReader(settings) as log:
        async for record in log.topic(event_topic(settings, aggregate)):
            event = msgspec.json.decode(record.value)
            found[event["aggregateId"]].append(event)
    return found


async def sagas_ended(settings: Settings, count: int) -> Events:
    """Return the events of all sagas, once this many sagas have ended."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            sagas = await events(settings, "Saga")
            if sum(history[-1]["eventType"] in ENDED for history in sagas.values()) == count:
                return sagas
            await asyncio.sleep(1)


async def stocked(client: Client, product_id: str, pieces: int) -> None:
    assert (await client.post("/products", {"productId": product_id, "name": "P", "price": 5, "currency": "EUR"})).status == 201
    assert (await client.post(f"/products/{product_id}/stock", {"quantity": pieces})).status == 200


async def registered(client: Client, customer_id: str, credit: int) -> None:
    body = {"customerId": customer_id, "name": "C", "email": "c@example.org", "creditLimit": credit, "currency": "EUR"}
    assert (await client.post("/customers", body)).status == 201


def statuses(orders: Events) -> Counter[str]:
    """Return the last events of the orders, counted."""
    return Counter(history[-1]["eventType"] for history in orders.values())


def moved(histories: Events, kind: str) -> Counter[str]:
    """Return how often an event of this type occurred for each order."""
    return Counter(event["payload"]["orderId"] for history in histories.values() for event in history if event["eventType"] == kind)


async def whole(settings: Settings) -> None:
    """Assert that each cancelled order was refunded and released exactly once, any other never, and that verify finds nothing."""
    orders, products, customers = [await events(settings, kind) for kind in ("Order", "Product", "Customer")]
    undone = {order_id for order_id, history in orders.items() if history[-1]["eventType"] == "OrderCancelled"}
    paid, refunded = moved(customers, "PaymentProcessed"), moved(customers, "PaymentRefunded")
    reserved, released = moved(products, "InventoryReserved"), moved(products, "InventoryReleased")
    assert refunded == {order_id: 1 for order_id in paid if order_id in undone}
    assert released == {order_id: count for order_id, count in reserved.items() if order_id in undone}
    assert set(paid) - undone == set(orders) - undone
    counted: list[str] = []
    assert await audit(settings, tell=counted.append) == []
    assert f"orders: {len(orders):,} settled by their sagas" in counted, "all of them were judged"


@pytest.mark.timeout(300)
async def test_of_100_orders_at_once_for_10_pieces_exactly_10_are_confirmed(own_shop: Shop) -> None:
    settings, clients = own_shop.environment.settings, [own_shop.one, own_shop.other]
    await stocked(own_shop.one, "scarce", 10)
    await registered(own_shop.other, "rich", 10**9)
    body = {**PLACE, "customerId": "rich", "items": [{"productId": "scarce", "quantity": 1, "price": 5}]}

    await asyncio.gather(*(Buyer(f"buyer-{number}", clients, body).buys() for number in range(100)))
    sagas = await sagas_ended(settings, 100)

    assert Counter(history[-1]["eventType"] for history in sagas.values()) == {"SagaCompleted": 10, "SagaFailed": 90}
    assert statuses(await events(settings, "Order")) == {"OrderConfirmed": 10, "OrderCancelled": 90}
    await whole(settings)


@pytest.mark.timeout(900)
async def test_2000_orders_end_right_while_a_worker_is_killed_every_few_seconds(shop_with_ids: Shop) -> None:
    settings, chance = shop_with_ids.environment.settings, random.Random(SEED)  # noqa: S311 (each run must be the same)
    for number in range(PRODUCTS):
        await stocked(shop_with_ids.one, f"product-{number}", PIECES)
    await asyncio.gather(*(registered(shop_with_ids.one, f"customer-{number}", 150) for number in range(CUSTOMERS)))

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session, asyncio.TaskGroup() as background:
        clients = [Client(session, each.worker) for each in (shop_with_ids.one, shop_with_ids.other)]
        killed = asyncio.Semaphore(0)
        killing = [
            background.create_task(_kill_every_few_seconds(shop_with_ids, killed)),
            *(background.create_task(each.worker.supervise()) for each in clients),
        ]
        for first in range(0, ORDERS, LOT):
            await killed.acquire()
            await asyncio.gather(*(Buyer(f"buyer-{number}", clients, _wanted(chance)).buys() for number in range(first, first + LOT)))
        sagas = await sagas_ended(settings, ORDERS)
        for each in killing:
            each.cancel()

    ends = statuses(await events(settings, "Order"))
    assert len(sagas) == ORDERS
    assert sum(each.worker.starts for each in (shop_with_ids.one, shop_with_ids.other)) > ORDERS // LOT, "the workers were killed too seldom"
    assert min(ends["OrderConfirmed"], ends["OrderCancelled"]) > ORDERS // 10, ends
    await whole(settings)


def _wanted(chance: random.Random) -> dict[str, Any]:
    """Return an order of one to three products."""
    products = chance.sample(range(PRODUCTS), chance.randint(1, 3))
    items = [{"productId": f"product-{number}", "quantity": chance.randint(1, 3), "price": 5} for number in products]
    return {**PLACE, "customerId": f"customer-{chance.randrange(CUSTOMERS)}", "items": items}


async def _kill_every_few_seconds(shop: Shop, killed: asyncio.Semaphore) -> None:
    """Kill the workers in turn, each once it serves again, and signal each kill."""
    while True:
        for each in (shop.one, shop.other):
            await asyncio.sleep(KILL_EVERY_S)
            while not await _serves(each):  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(0.1)
            each.worker.signal(signal.SIGKILL)
            killed.release()


async def _serves(client: Client) -> bool:
    """Return True if the worker is ready."""
    try:
        return client.worker.serves and (await client.get("/readyz")).status == 200
    except aiohttp.ClientError:
        return False
