"""Largest orders of the contract: a thousand products, with the highest total that can be paid. One completes, one is refused at its last product."""

import pytest

from app.client.results import Json
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.shop import Events, command, customer, order, product, sagas, stands
from tests.support.workers.worker import WHOLE

PRODUCTS = [f"p-{number}" for number in range(1_000)]
REFUSED = [*PRODUCTS[:-1], "sold-out"]
PRICE = 10**9
SMALL = [f"small-{number}" for number in range(20)]
MOVED = {
    ("InventoryShipped", "shipped"): {*PRODUCTS},
    ("InventoryReserved", "refused"): {*REFUSED[:-1]},
    ("InventoryReleased", "refused"): {*REFUSED[:-1]},
}
"""Products expected per event type and order."""


def largest(name: str, products: list[str]) -> Json:
    """Return an order for one piece of each product, which needs the highest possible credit."""
    placed = order(name, *products, customer=f"buyer-of-{name}")
    placed["payload"]["items"] = [item | {"price": PRICE} for item in placed["payload"]["items"]]
    return placed


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_two_largest_orders_go_all_the_way_there_and_back_beside_small_ones(environment: Environment) -> None:
    worker = environment.worker("worker", program=WHOLE, saga_step_timeout_s="300")
    buyers = [customer("buyer-of-shipped", 10**12), customer("buyer-of-refused", 10**12), customer("c-1")]
    await environment.send([*buyers, *(each for name in PRODUCTS for each in product(name)), *product("sold-out", 0)])
    async with sagas(environment) as found, Events(environment.settings, topic="events.product") as moved:
        await environment.send([largest("shipped", PRODUCTS), largest("refused", REFUSED), *(order(name, "p-1") for name in SMALL[:5])])
        await found.ended(["shipped", "refused", *SMALL[:5]])
        await environment.send([command("Order", "shipped", "ShipOrder"), *(order(name, "p-2") for name in SMALL[5:])])
        await found.ended(SMALL)
        await stands(environment, "Order", {"shipped": "OrderShipped", "refused": "OrderCancelled"})
        await until(lambda: all(about(moved, *each) == of for each, of in MOVED.items()), within_s=200)

    ends = found.lasts()
    assert (ends["shipped"], ends["refused"]) == ("SagaCompleted", "SagaFailed")
    assert not any("StepFailed reservation p-" in told for told in found.kinds("refused"))
    assert "is taken over again" not in worker.said
    assert await audit(environment.settings) == []


def about(moved: Events, kind: str, order_id: str) -> set[str]:
    """Return the products that have events of this type about this order."""
    return {event["aggregateId"] for event in moved.all if event["eventType"] == kind and event["payload"].get("orderId") == order_id}
