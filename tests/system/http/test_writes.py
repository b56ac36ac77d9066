"""Writes over HTTP: any worker accepts them, and each answer is true (contract, section 4)."""

import pytest

from tests.support.http.client import PLACE
from tests.support.http.fixtures import Shop
from tests.support.http.messages import H2C, LAST, sized
from tests.support.http.raw import ORDER, connected, statuses


@pytest.mark.long
async def test_an_order_goes_its_way_through_any_worker(shop: Shop) -> None:
    placed = await shop.one.post("/orders", {**PLACE, "orderId": "o-1", "customerId": "never-registered"})
    assert (placed.status, placed.body) == (201, {"orderId": "o-1", "status": "PLACED", "version": 1})
    assert placed.headers["location"] == "/orders/o-1"

    for client in (shop.one, shop.other):
        seen = await client.get("/orders/o-1", consistency_token=placed.headers["consistency-token"], prefer="wait=30")
        assert (seen.status, seen.body["status"], seen.body["version"], seen.headers["etag"]) == (200, "PLACED", 1, '"1"')

    cancelled = await shop.other.post("/orders/o-1/cancel", {"reason": "changed my mind"})
    assert (cancelled.status, cancelled.body) == (200, {"orderId": "o-1", "status": "CANCELLED", "version": 2})
    again = await shop.one.post("/orders/o-1/ship", {})
    assert (again.status, again.body["code"], again.body["state"]) == (409, "illegal-transition", "CANCELLED")


async def test_a_request_sent_again_gets_its_first_answer_from_any_worker(shop: Shop) -> None:
    first = await shop.one.post("/orders", PLACE, idempotency_key="key-1")
    again = [await client.post("/orders", PLACE, idempotency_key="key-1") for client in (shop.one, shop.other)]

    assert first.status == 201
    assert "duplicate" not in first.headers
    assert [(each.status, each.body, each.headers["duplicate"]) for each in again] == [(201, first.body, "true")] * 2
    other_body = await shop.other.post("/orders", {**PLACE, "customerId": "c-2"}, idempotency_key="key-1")
    assert (other_body.status, other_body.body["code"]) == (422, "invalid")


async def test_the_outcome_of_a_command_can_be_asked_of_any_worker(shop: Shop) -> None:
    placed = await shop.one.post("/orders", {**PLACE, "orderId": "asked"}, idempotency_key="key-1")
    await shop.one.post("/orders/asked/ship", {}, idempotency_key="key-2")

    for client in (shop.one, shop.other):
        accepted = await client.get("/commands/Order/asked/key-1")
        assert (accepted.status, accepted.body["outcome"], accepted.body["version"]) == (200, "accepted", 1)
        assert (accepted.body["commandType"], len(accepted.body["eventIds"])) == ("PlaceOrder", 1)
        refused = await client.get("/commands/Order/asked/key-2")
        assert (refused.body["outcome"], refused.body["refusal"]["code"]) == ("refused", "illegal-transition")
        assert (await client.get("/commands/Order/asked/never")).status == 404
    assert placed.status == 201


async def test_products_and_customers(shop: Shop) -> None:
    product = await shop.one.post("/products", {"name": "A thing", "price": 5, "currency": "EUR", "productId": "p-1"})
    stock = await shop.other.post("/products/p-1/stock", {"quantity": 3})
    customer = await shop.one.post("/customers", {"name": "Ada", "email": "a@example.org", "creditLimit": 100, "currency": "EUR", "customerId": "c-1"})
    named = await shop.other.ask("PATCH", "/customers/c-1", {"name": "Bea"})
    limited = await shop.one.ask("PATCH", "/customers/c-1", {"creditLimit": 50})

    assert [each.status for each in (product, stock, customer, named, limited)] == [201, 200, 201, 200, 200]
    assert (stock.body, limited.body) == ({"productId": "p-1", "version": 2}, {"customerId": "c-1", "version": 3})
    both = await shop.one.ask("PATCH", "/customers/c-1", {"name": "Cy", "creditLimit": 50})
    assert both.status == 422
    unknown = await shop.other.post("/products/p-2/stock", {"quantity": 3})
    assert (unknown.status, unknown.body["code"]) == (404, "unknown-product")


FAULTS: list[tuple[object, dict[str, str], int, str]] = [
    (b"\xff", {}, 400, "undecodable"),
    (b"[]", {}, 400, "undecodable"),
    (b'{"customerId":"a","customerId":"b"}', {}, 400, "undecodable"),
    ({**PLACE, "items": []}, {}, 422, "invalid"),
    ({**PLACE, "totalAmount": 1}, {}, 422, "invalid"),
    ({**PLACE, "orderId": "o/1"}, {}, 422, "invalid"),
    ({**PLACE, "orderId": ".."}, {}, 422, "invalid"),
    ({**PLACE, "items": [{"productId": "p-1", "quantity": 2, "price": 10**12}]}, {}, 422, "invalid"),
    (PLACE, {"idempotency_key": "no key"}, 422, "invalid"),
    (PLACE, {"idempotency_key": "."}, 422, "invalid"),
    (PLACE, {"if_match": "one"}, 422, "invalid"),
    (PLACE, {"content_type": "text/plain"}, 415, "unsupported-media-type"),
    ({**PLACE, "shippingAddress": "x" * (1 << 20)}, {}, 413, "too-large"),
]


async def test_what_is_wrong_with_a_request_is_told_as_a_problem(shop: Shop) -> None:
    answers = [await shop.one.post("/orders", body, **headers) for body, headers, _, _ in FAULTS]

    assert [(answer.status, answer.body["code"]) for answer in answers] == [(status, code) for _, _, status, code in FAULTS]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


async def test_a_version_that_is_expected_is_checked(shop: Shop) -> None:
    await shop.one.post("/orders", {**PLACE, "orderId": "expected"})

    wrong = await shop.other.post("/orders/expected/cancel", {"reason": "late"}, if_match='"2"')
    right = await shop.other.post("/orders/expected/cancel", {"reason": "late"}, if_match='"1"')

    assert (wrong.status, wrong.body["code"]) == (409, "version-conflict")
    assert right.status == 200


async def test_a_token_of_another_write_and_one_of_the_future_are_not_answered_with_something_older(shop: Shop) -> None:
    await shop.one.post("/orders", {**PLACE, "orderId": "one"})
    other = await shop.one.post("/orders", {**PLACE, "orderId": "another"})
    later = await shop.one.post("/orders/another/cancel", {"reason": "late"})

    foreign = await shop.one.get("/orders/one", consistency_token=other.headers["consistency-token"])
    headers = {"consistency_token": "nonsense"}
    nonsense = await shop.one.get("/orders/one", **headers)

    assert [(each.status, each.body["code"]) for each in (foreign, nonsense)] == [(400, "token-not-applicable")] * 2
    assert (await shop.other.get("/orders/another", consistency_token=later.headers["consistency-token"], prefer="wait=30")).body["status"] == "CANCELLED"


async def test_a_forwarded_request_is_not_forwarded_again(shop: Shop) -> None:
    answers = [await client.get("/orders/nobody", foldstream_forwarded="1") for client in (shop.one, shop.other)]

    assert sorted(each.status for each in answers) == [404, 503]
    [away] = [each for each in answers if each.status == 503]
    assert (away.body["code"], away.headers["retry-after"]) == ("not-owner", "1")


async def test_a_client_that_offers_another_protocol_is_answered_in_http_1_1(shop: Shop) -> None:
    for client in (shop.one, shop.other):
        async with connected(client.worker) as connection:
            await connection.send(sized(H2C + b"Content-Type: application/json\r\n", ORDER) + LAST)
            got = await connection.got()

        assert statuses(got) == [201, 404]


@pytest.mark.long
async def test_what_was_done_is_counted_for_prometheus(own_shop: Shop) -> None:
    await own_shop.one.post("/orders", {**PLACE, "orderId": "o-1"})
    await own_shop.one.post("/orders/o-1/ship", {})

    shown = "".join([await client.text("/metrics") for client in (own_shop.one, own_shop.other)])

    assert 'foldstream_commands_total{aggregate="Order",outcome="accepted"} 1.0' in shown
    assert 'foldstream_commands_total{aggregate="Order",outcome="refused"} 1.0' in shown
    assert 'foldstream_events_total{aggregate="Order",type="OrderPlaced"} 1.0' in shown
    assert "foldstream_command_latency_seconds_bucket" in shown
    assert "foldstream_recovery_seconds_count" in shown
    assert shown.count("foldstream_ready 1.0") == 2
