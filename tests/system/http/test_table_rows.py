"""Rows of a view's tables as they are on disk, page after page, from any worker."""

from typing import Any

import pytest

from app.streams.kafka.partitioner import partition_of
from tests.support.http.client import PLACE, Client
from tests.support.http.fixtures import Shop

ORDERS = [f"o-{number}" for number in range(3)]


async def placed(client: Client) -> None:
    """Place some orders, and wait until they can be read."""
    for name in ORDERS:
        answer = await client.post("/orders", {**PLACE, "orderId": name})
        assert (await client.get(f"/orders/{name}", consistency_token=answer.headers["consistency-token"], prefer="wait=20")).status == 200


async def paged(client: Client, path: str) -> list[dict[str, Any]]:
    """Return the rows of all pages, read one by one."""
    rows, after = list[dict[str, Any]](), ""
    while True:
        page = await client.get(f"{path}?limit=1{after}")
        assert page.status == 200
        rows += page.body["items"]
        if page.body["next"] is None:
            return rows
        after = f"&after={page.body['next']}"


@pytest.mark.long
async def test_pages_give_each_row_once_whoever_is_asked(own_shop: Shop) -> None:
    await placed(own_shop.one)
    found: dict[str, Any] = {}
    for partition in range(own_shop.environment.settings.partitions):
        rows = [await paged(client, f"/tables/order_summary/{partition}/rows") for client in (own_shop.one, own_shop.other)]
        assert rows[0] == rows[1]
        assert [(row["table"], row["key"]) for row in rows[0]] == sorted({(row["table"], row["key"]) for row in rows[0]})
        found |= {row["key"]: (partition, row["row"]["orderId"]) for row in rows[0] if row["table"] == "order-summary"}

    partitions = own_shop.environment.settings.partitions
    assert found == {name: (partition_of(name.encode(), partitions), name) for name in ORDERS}


async def test_what_is_not_there_is_refused(own_shop: Shop) -> None:
    answers = [
        await own_shop.one.get("/tables/nothing/0/rows"),
        await own_shop.one.get("/tables/history/99/rows"),
        await own_shop.one.get("/tables/history/0/rows?after=nonsense"),
    ]

    assert [(answer.status, answer.body["code"]) for answer in answers] == [(404, "unknown-table"), (422, "invalid"), (422, "invalid")]
