"""Read models over HTTP: a client sees its own writes at once, at any worker (contract, section 4)."""

import asyncio
from typing import Any

import pytest

from tests.support.http.client import PLACE, Answer, Client
from tests.support.http.fixtures import Shop
from tests.support.workers.worker import WHOLE

WRITERS = 10
"""Number of clients that write and read at the same time, each one thing after the other."""

ADA = {"name": "Ada", "email": "ada@example.org", "creditLimit": 100, "currency": "EUR"}


def token(answer: Answer) -> dict[str, str]:
    """Return headers with which a read is as new as this write, however slow the worker is."""
    return {"consistency_token": answer.headers["consistency-token"], "prefer": "wait=30"}


async def told(client: Client, path: str, **fields: Any) -> Answer:  # noqa: ANN401 (any JSON)
    """Return the answer to a read, once it has these fields."""
    async with asyncio.timeout(60):
        while not fields.items() <= ((answer := await client.get(path)).body or {}).items():  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return answer


async def listed(client: Client, query: str, order_id: str) -> None:
    """Return once the list of orders has this one."""
    async with asyncio.timeout(60):
        while order_id not in [each["orderId"] for each in (await client.get(f"/orders?{query}")).body.get("items", [])]:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.05)


@pytest.mark.long
async def test_a_product_is_shown_with_its_stock(shop: Shop) -> None:
    await shop.one.post("/products", {"name": "A thing", "price": 5, "currency": "EUR", "productId": "p-1"})
    stocked = await shop.other.post("/products/p-1/stock", {"quantity": 3})

    for client in (shop.one, shop.other):
        seen = await client.get("/products/p-1", **token(stocked))
        assert seen.status == 200
        assert seen.body.pop("lastUpdated").endswith("Z")
        assert seen.body == {
            "productId": "p-1", "name": "A thing", "price": 5, "currency": "EUR", "onHand": 3, "reserved": 0, "available": 3, "shipped": 0, "version": 2,
        }  # fmt: skip
        assert (await client.get("/products/p-1", if_none_match=seen.headers["etag"])).status == 304
        assert (await client.get("/products/p-2")).status == 404


async def test_a_customer_is_shown_with_the_credit(shop: Shop) -> None:
    await shop.one.post("/customers", {**ADA, "customerId": "c-1"})
    changed = await shop.other.ask("PATCH", "/customers/c-1", {"email": "ada@example.net"})

    for client in (shop.one, shop.other):
        seen = await client.get("/customers/c-1", **token(changed))
        assert seen.body.pop("lastUpdated").endswith("Z")
        assert seen.body == {
            "customerId": "c-1", "name": "Ada", "email": "ada@example.net", "currency": "EUR", "creditLimit": 100, "creditUsed": 0, "version": 2,
        }  # fmt: skip
        assert seen.headers["etag"] == '"2"'


async def test_an_order_is_shown_with_who_ordered_it_and_follows_a_new_name(shop: Shop) -> None:
    for number in range(8):
        customer, order = f"named-{number}", f"named-{number}"
        await shop.one.post("/customers", {**ADA, "customerId": customer})
        placed = await shop.other.post("/orders", {**PLACE, "customerId": customer, "orderId": order})
        seen = await shop.one.get(f"/orders/{order}", **token(placed))
        assert (seen.body["customerName"], seen.body["customerEmail"]) == ("Ada", "ada@example.org")
        assert (seen.body["totalAmount"], seen.body["itemCount"], seen.body["currency"]) == (10, 1, "EUR")

        await shop.one.ask("PATCH", f"/customers/{customer}", {"name": "Bea"})
        renamed = await told(shop.other, f"/orders/{order}", customerName="Bea", customerEmail="ada@example.org")
        assert seen.headers["etag"] != renamed.headers["etag"], "a client that has the old name must not be told that it holds"
        assert (await shop.one.post(f"/orders/{order}/cancel", {"reason": "late"}, if_match=renamed.headers["etag"])).status == 200


async def test_an_order_of_a_customer_who_registers_later_gets_the_name_then(shop: Shop) -> None:
    placed = await shop.one.post("/orders", {**PLACE, "customerId": "late", "orderId": "early"})
    assert (await shop.one.get("/orders/early", **token(placed))).body["customerName"] is None

    await shop.one.post("/customers", {**ADA, "customerId": "late"})

    await told(shop.other, "/orders/early", customerName="Ada")


@pytest.mark.long
@pytest.mark.parametrize("program", [WHOLE])
async def test_a_saga_is_shown_with_its_steps_and_listed_by_status(own_shop: Shop) -> None:
    await own_shop.one.post("/orders", {**PLACE, "customerId": "nobody", "orderId": "undone"})

    seen = await told(own_shop.other, "/orders/undone/saga", status="FAILED")

    states = {each["step"]: each["state"] for each in seen.body["steps"]}
    assert states == {"order": "UNDONE", "payment": "FAILED", "reservation": "PENDING", "confirmation": "PENDING"}
    assert next(each["reason"] for each in seen.body["steps"] if each["step"] == "payment").startswith("unknown-customer")
    assert seen.headers["etag"] == f'"{seen.body["version"]}"'
    for client in (own_shop.one, own_shop.other):
        assert (await client.get("/sagas?status=FAILED&limit=1000")).body["items"] == [seen.body]
    await listed(own_shop.one, "status=CANCELLED", "undone")
    counted = "".join([await client.text("/metrics") for client in (own_shop.one, own_shop.other)])
    assert 'foldstream_sagas{status="FAILED"} 1.0' in counted
    assert 'foldstream_orders{status="CANCELLED"} 1.0' in counted


async def writers_see_their_writes(shop: Shop, times: int) -> None:
    """Let several clients write at one worker, and read at the other. None may read nothing, or an older state."""
    await asyncio.gather(*(_sees_its_writes(shop, f"writer-{writer}", times // WRITERS) for writer in range(WRITERS)))


async def _sees_its_writes(shop: Shop, customer: str, times: int) -> None:
    for number in range(times):
        one, other = (shop.one, shop.other) if number % 2 else (shop.other, shop.one)
        order = f"seen-{customer}-{number}"
        placed = await one.post("/orders", {**PLACE, "customerId": customer, "orderId": order})
        cancelled = await one.post(f"/orders/{order}/cancel", {"reason": "late"})
        last = cancelled if number % 3 else placed
        seen = await other.get(f"/orders/{order}", **token(last))
        assert seen.status == 200
        assert seen.body["version"] >= last.body["version"]
        listed = await other.get(f"/orders?customerId={customer}&limit=1", **token(last))
        assert [each["orderId"] for each in listed.body["items"]] == [order]
        assert listed.body["items"][0]["version"] >= last.body["version"]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_who_has_written_at_one_worker_sees_it_at_the_other(own_shop: Shop) -> None:
    await writers_see_their_writes(own_shop, times=1_000)


@pytest.mark.long
async def test_orders_are_listed_by_customer_and_status_while_others_are_placed(own_shop: Shop) -> None:
    one, other = own_shop.one, own_shop.other
    placed = [await one.post("/orders", {**PLACE, "customerId": f"c-{number % 2}", "orderId": f"o-{number}"}) for number in range(30)]
    for each in placed:
        assert (await other.get("/orders?customerId=c-1&limit=1", **token(each))).status == 200

    listed, after, number = list[dict[str, Any]](), "", 30
    while True:
        page = (await (one, other)[number % 2].get(f"/orders?customerId=c-1&limit=4{after}")).body
        listed += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
        await one.post("/orders", {**PLACE, "customerId": "c-1", "orderId": f"o-{number}"})
        await one.post(f"/orders/o-{number - 28}/cancel", {"reason": "late"})
        number += 1

    ids = [each["orderId"] for each in listed]
    assert [each for each in ids if int(each[2:]) < 30] == [f"o-{number}" for number in range(29, 0, -2)]
    assert len(ids) == len(set(ids))
    assert {each["customerId"] for each in listed} == {"c-1"}
    for status in ("CANCELLED", "PLACED"):
        found = (await other.get(f"/orders?status={status}&limit=1000")).body["items"]
        assert {each["status"] for each in found} <= {status}
        dates = [each["orderDate"] for each in found]
        assert dates == sorted(dates, reverse=True)


FAULTS = [
    ("/orders?status=LOST", {}, 422, "invalid"),
    ("/orders?limit=0", {}, 422, "invalid"),
    ("/orders?limit=1001", {}, 422, "invalid"),
    ("/orders?after=nonsense", {}, 422, "invalid"),
    ("/orders?customerId=c%201", {}, 422, "invalid"),
    ("/orders?partition=4", {}, 422, "invalid"),
    ("/sagas?status=LOST", {}, 422, "invalid"),
    ("/orders/nobody/saga", {}, 404, "not-found"),
    ("/orders", {"consistency_token": "any"}, 400, "token-not-applicable"),
]


async def test_what_is_wrong_with_a_request_for_a_list_is_told(shop: Shop) -> None:
    answers = [await shop.one.get(path, **headers) for path, headers, _, _ in FAULTS]

    assert [(answer.status, answer.body["code"]) for answer in answers] == [(status, code) for _, _, status, code in FAULTS]


async def test_a_token_of_another_kind_of_write_is_refused_by_what_cannot_wait_for_it(shop: Shop) -> None:
    customer = await shop.one.post("/customers", {**ADA, "customerId": "c-9"})
    await shop.one.post("/orders", {**PLACE, "orderId": "o-9"})

    for path in ("/orders/o-9", "/products/c-9", "/orders?customerId=c-9"):
        answer = await shop.other.get(path, **token(customer))
        assert (answer.status, answer.body["code"]) == (400, "token-not-applicable")
