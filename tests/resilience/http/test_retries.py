"""Retries under one Idempotency-Key: a request takes effect once, whatever is killed meanwhile, and each answer agrees with the log."""

import asyncio
import json
import signal
from itertools import count, cycle
from typing import Any

import aiohttp
import pytest

from app.verify.run import audit
from tests.support.http.buyer import RETRY_S, Buyer, Placed, placed
from tests.support.http.client import PLACE, Client
from tests.support.http.fixtures import Shop
from tests.support.http.raw import POST, connected
from tests.support.waiting import until
from tests.support.workers.environment import Environment

CLIENTS = 2_000


@pytest.mark.timeout(300)
async def test_a_worker_killed_in_the_middle_of_2000_posts_leaves_each_client_with_the_one_order_it_was_told_of(own_shop: Shop) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        clients = [Client(session, each.worker) for each in (own_shop.one, own_shop.other)]
        buyers = [Buyer(f"client-{number}", clients, {**PLACE, "customerId": f"client-{number}"}) for number in range(CLIENTS)]

        buying = {buyer.name: asyncio.create_task(buyer.buys()) for buyer in buyers}
        await until(lambda: sum(each.done() for each in buying.values()) > CLIENTS // 10, within_s=180)
        own_shop.other.worker.signal(signal.SIGKILL)
        await own_shop.other.worker.exit_code(within_s=60)
        unserved = sum(not each.done() for each in buying.values())
        own_shop.other.worker.start()
        await asyncio.gather(*buying.values())

    assert unserved > 0, "the worker was killed too late"
    assert {name: [each.result()] for name, each in buying.items()} == await placed(own_shop.environment.settings)
    assert await audit(own_shop.environment.settings) == []


@pytest.mark.parametrize(
    ("keys", "orders"),
    [pytest.param(cycle(["one-key"]), 1, id="the same key"), pytest.param(map("key-{}".format, count()), 2, id="a new key", marks=pytest.mark.control)],
)
async def test_a_client_that_lost_its_answer_and_asks_again_is_found_to_have_so_many_orders(own_shop: Shop, keys: Any, orders: int) -> None:  # noqa: ANN401 (an iterator)
    async with connected(own_shop.one.worker, reading=False) as forgetful:
        await forgetful.send(_post(next(keys)))
        await _until_placed(own_shop.environment, 1)

    again = await own_shop.one.post("/orders", {**PLACE, "customerId": "forgetful"}, idempotency_key=next(keys))

    found = (await placed(own_shop.environment.settings))["forgetful"]
    assert again.status == 201
    assert len(found) == orders
    assert Placed(again.body["orderId"], again.body["version"]) in found
    assert await audit(own_shop.environment.settings) == []


def _post(key: str) -> bytes:
    body = json.dumps({**PLACE, "customerId": "forgetful"}).encode()
    return POST + f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _until_placed(environment: Environment, orders: int) -> None:
    async with asyncio.timeout(60):
        while sum(map(len, (await placed(environment.settings)).values())) < orders:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(RETRY_S)
