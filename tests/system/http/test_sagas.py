"""Operators' actions on sagas, over HTTP and on the command line. The saga's history has them, with the operator and the reason."""

import asyncio
from typing import Any

import pytest

from tests.support.foldstream import foldstream
from tests.support.http.client import PLACE, Answer, Client
from tests.support.http.fixtures import Shop
from tests.support.workers.worker import WHOLE
from tests.system.http.test_history import all_events, history

GRACE = {"userId": "grace", "reason": "the customer called"}
WITHIN_S = 60


@pytest.fixture(scope="module")
def standing_program() -> tuple[str, ...]:
    """Return arguments of a worker with sagas."""
    return WHOLE


async def ends(client: Client, name: str, status: str) -> None:
    """Wait until an order, or its saga (`id/saga`), has this status."""
    async with asyncio.timeout(WITHIN_S):
        while (await client.get(f"/orders/{name}")).body.get("status") != status:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)


async def confirmed(shop: Shop, name: str) -> str:
    """Return the id of an order that was confirmed."""
    await shop.one.post("/customers", {"customerId": f"c-{name}", "name": "C", "email": "c@example.org", "creditLimit": 1000, "currency": "EUR"})
    await shop.one.post("/products", {"productId": f"p-{name}", "name": "P", "price": 5, "currency": "EUR"})
    await shop.other.post(f"/products/p-{name}/stock", {"quantity": 10})
    placed = await shop.other.post("/orders", {**PLACE, "customerId": f"c-{name}", "items": [{"productId": f"p-{name}", "quantity": 2, "price": 5}]})
    order_id: str = placed.body["orderId"]
    await ends(shop.one, order_id, "CONFIRMED")
    return order_id


async def acted(client: Client, order_id: str, **asked: Any) -> Answer:  # noqa: ANN401 (the fields of a body)
    return await client.post(f"/sagas/{order_id}/actions", {**GRACE, **asked})


async def saga_events(client: Client, order_id: str) -> list[dict[str, Any]]:
    return [event for event in await all_events(client, "SagaCompensationStarted") if event["aggregateId"] == order_id]


@pytest.mark.timeout(300)
async def test_an_operator_has_a_confirmed_order_undone_and_is_remembered(shop: Shop) -> None:
    order_id = await confirmed(shop, "undone")

    for client in (shop.one, shop.other):
        assert (await acted(client, "never-placed", action="ForceCompensate")).status == 404
    answer = await acted(shop.other, order_id, action="ForceCompensate")
    await ends(shop.one, order_id, "CANCELLED")

    assert (answer.status, answer.body["orderId"]) == (200, order_id)
    [event] = await saga_events(shop.one, order_id)
    assert (event["metadata"]["userId"], event["payload"]["reason"]) == (GRACE["userId"], GRACE["reason"])
    assert (await acted(shop.one, order_id, action="RetryStep", step="payment")).body["code"] in {"illegal-transition", "not-found"}


@pytest.mark.long
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "ForceCompensate", "reason": "x"},
        {"action": "ForceCompensate", "userId": "grace"},
        {"action": "Forget", **GRACE},
        {"action": "RetryStep", **GRACE},
        {"action": "ForceCompensate", "step": "payment", **GRACE},
        {"action": "ExtendDeadline", "seconds": 0, **GRACE},
    ],
)
async def test_what_does_not_say_what_who_and_why_is_invalid(shop: Shop, body: dict[str, Any]) -> None:
    answer = await shop.one.post("/sagas/o-1/actions", body)

    assert (answer.status, answer.body["code"]) == (422, "invalid")


@pytest.mark.timeout(300)
async def test_the_command_line_acts_too(shop: Shop) -> None:
    order_id = await confirmed(shop, "from-the-line")
    settings = shop.environment.settings.model_dump(mode="json", include={"broker", "app_id", "topic_prefix", "replication", "partitions"})
    words = ("saga", "act", order_id, "ForceCompensate", "--reason", "it broke", "--user", "grace")

    act = await asyncio.to_thread(foldstream, *words, **settings)
    await ends(shop.one, order_id, "CANCELLED")
    again = await asyncio.to_thread(foldstream, *words, **settings)

    assert (act.returncode, again.returncode) == (0, 1)
    assert "illegal-transition" in again.stderr
    [event] = await saga_events(shop.one, order_id)
    assert event["metadata"]["userId"] == "grace"


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_what_a_client_wrote_does_not_control_the_terminal_of_an_operator(shop: Shop) -> None:
    order_id = await confirmed(shop, "hostile")
    await shop.one.post(f"/orders/{order_id}/cancel", {"reason": "x\nfake-order  COMPLETED  all is well\x1b[2J\x9b31m\u202e\u2028"})
    await ends(shop.one, order_id, "CANCELLED")
    await ends(shop.one, f"{order_id}/saga", "FAILED")
    settings = shop.environment.settings.model_dump(mode="json", include={"broker", "app_id", "topic_prefix", "replication", "partitions"})

    for words in (["events", order_id], ["saga", "show", order_id], ["saga", "list"]):
        printed = (await asyncio.to_thread(foldstream, *words, **settings)).stdout

        assert "fake-order" in printed
        assert not any(line.startswith("fake-order") for line in printed.splitlines())
        assert all(each == "\n" or each.isprintable() for each in printed)


@pytest.mark.timeout(300)
async def test_a_reader_waits_for_a_status_at_any_worker(shop: Shop) -> None:
    order_id = await confirmed(shop, "waited-for")
    placed = await shop.one.post("/orders", {**PLACE, "customerId": "nobody"})

    for client in (shop.one, shop.other):
        undone = await client.get(f"/orders/{placed.body['orderId']}?wait=CONFIRMED,CANCELLED", prefer="wait=30")
        as_it_is = await client.get(f"/orders/{order_id}?wait=SHIPPED", prefer="wait=1")
        unknown = await client.get(f"/orders/{order_id}?wait=LOST")

        assert (undone.status, undone.body["status"]) == (200, "CANCELLED")
        assert (as_it_is.status, as_it_is.body["status"]) == (200, "CONFIRMED")
        assert (unknown.status, unknown.body["code"]) == (422, "invalid")


@pytest.mark.timeout(300)
async def test_an_order_and_its_saga_are_streamed_as_they_happen_and_from_where_the_client_was(shop: Shop) -> None:
    order_id = await confirmed(shop, "streamed")
    await history(shop.one, order_id, 2)
    await streamed(shop.one, order_id, "SagaCompleted")

    for client in (shop.one, shop.other):
        whole = await streamed(client, order_id, "SagaCompleted")
        rest = await streamed(client, order_id, "SagaCompleted", last_event_id=whole[1][0])

        assert [kind for _, kind in whole if kind.startswith("Order")] == ["OrderPlaced", "OrderConfirmed"]
        assert [kind for _, kind in whole if kind in {"SagaStarted", "SagaCompleted"}] == ["SagaStarted", "SagaCompleted"]
        assert rest == whole[2:]


async def streamed(client: Client, order_id: str, last: str, **headers: str) -> list[tuple[str, str]]:
    """Return the ids and types of streamed events, up to one of this type."""
    found: list[tuple[str, str]] = []
    async for line in client.lines(f"/orders/{order_id}/stream", **headers):
        name, _, value = line.partition(": ")
        if name == "id":
            found.append((value, ""))
        elif name == "event":
            found[-1] = (found[-1][0], value)
        elif name == "data" and found[-1][1] == last:
            return found
    return found
