"""Promises of HTTP for every resource: HEAD and OPTIONS, a complete `Allow`, and headers in each form that their standards allow."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from app.web.gateway.consistency import wait_s
from app.web.gateway.etag import expected
from app.web.http.problems import Problem
from tests.support.http.client import PLACE, Client
from tests.support.http.fixtures import Shop
from tests.support.http.raw import connected, statuses
from tests.support.workers.worker import without
from tests.system.http.test_history import history
from tests.system.http.test_views import told

VARIES = {"date", "content-length", "retry-after"}
"""Headers that may differ from one answer to the next, because metrics grow."""


async def test_head_is_answered_as_get_without_its_body(shop: Shop) -> None:
    await shop.one.post("/orders", {**PLACE, "orderId": "headed"})
    for client in (shop.one, shop.other):
        await told(client, "/orders/headed", version=1)
        await history(client, "headed", 1)
        await heads(client)


@pytest.mark.long
@pytest.mark.control
@pytest.mark.parametrize("program", [without("protocol")])
async def test_routes_that_take_no_head_are_found(alone: Client) -> None:
    with pytest.raises(AssertionError, match="405"):
        await heads(alone)


async def heads(client: Client) -> None:
    """Assert that HEAD answers like GET, without the body."""
    for path in await _paths(client, "get"):
        got, head = [await _started(client, method, path) for method in ("GET", "HEAD")]

        assert (path, head) == (path, got)
        assert await _body(client, "HEAD", path) == b""


async def test_every_path_takes_options_and_says_all_of_its_methods(shop: Shop) -> None:
    documented = (await shop.one.get("/openapi.json")).body["paths"]
    for path, operations in documented.items():
        methods = {"OPTIONS", *(name.upper() for name in operations)}
        methods |= {"HEAD"} if "GET" in methods else set()
        for answer in (await shop.one.ask("OPTIONS", _filled(path)), await shop.other.ask("DELETE", _filled(path))):
            assert (path, set(answer.headers["allow"].split(", "))) == (path, methods)
            assert (answer.status, answer.body and answer.body["code"]) in {(204, None), (405, "method-not-allowed")}
        for method in methods:
            assert (await _started(shop.one, method, _filled(path)))[0] != 405


async def test_options_about_the_server_and_about_nothing(shop: Shop) -> None:
    async with connected(shop.one.worker) as connection:
        await connection.send(b"OPTIONS * HTTP/1.1\r\nHost: some\r\n\r\nOPTIONS /nothing HTTP/1.1\r\nHost: some\r\nConnection: close\r\n\r\n")
        got = await connection.got()

    assert statuses(got) == [204, 404]


async def test_a_method_that_is_not_allowed_is_documented(shop: Shop) -> None:
    paths = (await shop.one.get("/openapi.json")).body["paths"]

    for operation in chain.from_iterable(each.values() for each in paths.values()):
        assert "405" in operation["responses"]


async def test_a_correlation_id_is_text_at_each_worker(shop: Shop) -> None:
    text = "Bestellung-\N{LATIN SMALL LETTER U WITH DIAERESIS}-\N{CJK UNIFIED IDEOGRAPH-6CE8}" * 20
    for client, order_id in ((shop.one, "text-1"), (shop.other, "text-2"), (shop.one, "text-3"), (shop.other, "text-4")):
        placed = await client.post("/orders", {**PLACE, "orderId": order_id}, x_correlation_id=text)
        seen = {"consistency_token": placed.headers["consistency-token"], "prefer": "wait=30"}
        [event] = (await client.get(f"/orders/{order_id}/events", **seen)).body["items"]
        async with connected(client.worker) as connection:
            await connection.send(b"GET /orders/%b HTTP/1.1\r\nHost: some\r\nX-Correlation-Id: \xff\r\nConnection: close\r\n\r\n" % order_id.encode())
            no_text = await connection.got()

        assert event["metadata"]["correlationId"] == text
        assert statuses(no_text) == [422]


@pytest.mark.long
async def test_an_idempotency_key_may_stand_in_quotes(shop: Shop) -> None:
    plain = await shop.one.post("/orders", PLACE, idempotency_key="quoted")
    quoted = [await client.post("/orders", PLACE, idempotency_key='"quoted"') for client in (shop.one, shop.other)]

    assert [(each.status, each.body, each.headers["duplicate"]) for each in quoted] == [(201, plain.body, "true")] * 2
    for no_key in ("a, b", '"a', "a b", '""', ".", '".."'):
        assert (await shop.one.post("/orders", PLACE, idempotency_key=no_key)).status == 422


async def test_a_body_is_json_in_utf_8_and_may_be_left_out_where_nothing_is_required(shop: Shop) -> None:
    for kind in ("application/json;charset=utf-8", 'Application/JSON; charset="UTF-8"'):
        assert (await shop.one.post("/orders", PLACE, content_type=kind)).status == 201
    for headers in ({"content_type": "application/json; charset=latin1"}, {"content_encoding": "gzip"}, {"content_type": "application/json, application/json"}):
        refused = await shop.one.post("/orders", PLACE, **headers)
        assert (refused.status, refused.body["code"]) == (415, "unsupported-media-type")
    assert (await shop.one.post("/orders", None)).status == 415

    await shop.one.post("/orders", {**PLACE, "orderId": "shipped"})
    for client in (shop.one, shop.other):
        for body, headers in ((None, {}), (b"", {}), (b"", {"content_type": "application/x-www-form-urlencoded"}), ({}, {})):
            shipped = await client.post("/orders/shipped/ship", body, **headers)
            assert (shipped.status, shipped.body["code"]) == (409, "illegal-transition")


async def test_conditions_in_every_form(shop: Shop) -> None:
    placed = await shop.one.post("/orders", {**PLACE, "orderId": "conditions"})
    seen = {"consistency_token": placed.headers["consistency-token"], "prefer": "wait=30"}
    for client in (shop.one, shop.other):
        for known in ('"1"', 'W/"1"', '"7", W/"1"', "*", '"a,b","1"'):
            assert (await client.get("/orders/conditions", if_none_match=known, **seen)).status == 304
        for unknown in ('"2"', '"11", "a"'):
            assert (await client.get("/orders/conditions", if_none_match=unknown, **seen)).status == 200
        for other in ('"2"', 'W/"2"', '"2", "2.1"'):
            assert (await client.post("/orders/conditions/ship", {}, if_match=other)).body["code"] == "version-conflict"
        for own in ('"1"', 'W/"1"', "*", '"1.4", "1"'):
            assert (await client.post("/orders/conditions/ship", {}, if_match=own)).body["code"] == "illegal-transition"
        assert (await client.post("/orders/conditions/ship", {}, if_match='"1", "2"')).status == 422


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 2.0),
        ("wait=5", 5.0),
        ("respond-async, WAIT=5", 5.0),
        ('wait = "5"; a=b', 5.0),
        ("return=minimal;a=b, wait=5, wait=9", 5.0),
        ('a="wait=9, b"; c, wait=5', 5.0),
        ("a; wait=5", 2.0),
        ("wait=soon", 2.0),
        ("wait=100000", 30.0),
    ],
)
def test_how_long_a_client_prefers_to_wait(prefer: str | None, seconds: float) -> None:
    assert wait_s(_Asked({} if prefer is None else {"prefer": prefer})) == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize(("tags", "version"), [('"3"', 3), ('W/"3.2"', 3), ('"3.1", "3.2"', 3), ("*", None), ("0", 0)])
def test_the_version_that_tags_stand_for(tags: str, version: int | None) -> None:
    assert expected(tags) == version


def test_tags_of_two_versions_cannot_be_expected() -> None:
    with pytest.raises(Problem, match="one version"):
        expected('"3", "4"')


class _Asked:
    """Request with headers only, which is all that the code reads."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers
        self.query_params: dict[str, Any] = {}


async def _paths(client: Client, method: str) -> Iterator[str]:
    documented = (await client.get("/openapi.json")).body["paths"]
    return (_filled(path) for path, operations in documented.items() if method in operations)


def _filled(path: str) -> str:
    """Return the path with a value for each of its parameters."""
    values = {"partition": 0, "offset": 0, "table": "history", "topic": "commands.order", "aggregate_type": "Order", "command_id": "never"}
    return path.format_map({**dict.fromkeys(("order_id", "product_id", "customer_id", "aggregate_id"), "headed"), **values}) + (
        "?type=OrderPlaced" if path == "/events" else ""
    )


async def _started(client: Client, method: str, path: str) -> tuple[int, dict[str, str]]:
    """Return status and headers of an answer."""
    async with client.started(method, path) as answer:
        return answer.status, {name.lower(): value for name, value in answer.headers.items() if name.lower() not in VARIES | {"transfer-encoding"}}


async def _body(client: Client, method: str, path: str) -> bytes:
    async with client.started(method, path) as answer:
        return await answer.read()
