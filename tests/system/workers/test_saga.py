"""Orders that sagas complete: paid, reserved and confirmed, or compensated step by step."""

import signal
from collections import Counter

import aiohttp
import pytest

from app.client.results import Json
from app.topics.contract import command_topic
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.hold import Hold
from tests.support.workers.shop import Events, command, customer, order, product, sagas, stands
from tests.support.workers.worker import WHOLE

SHOP = [customer("c-1"), customer("poor", 7), *product("p-1"), *product("p-2", 3), *product("sold-out", 0)]
DECISIONS = 4
"""Number of decisions of a saga whose order has one product: begin, payment, reservation, confirmation; or compensation."""

STEPS = ["StepCompleted confirmation", "StepCompleted order", "StepCompleted payment", "StepCompleted reservation p-1", "StepCompleted reservation p-2"]


@pytest.fixture
async def shop(environment: Environment) -> Environment:
    """Return an environment with a worker, customers and products."""
    environment.worker("worker", program=WHOLE)
    await environment.send(SHOP)
    return environment


async def test_an_order_is_paid_reserved_and_confirmed(shop: Environment) -> None:
    async with sagas(shop) as found:
        await shop.send([order("o-1", "p-1", "p-2", "p-1")])
        await found.ended(["o-1"])

    told = found.kinds("o-1")
    assert (told[0], sorted(told[1:-1]), told[-1]) == ("Started", STEPS, "Completed")
    await stands(shop, "Order", {"o-1": "OrderConfirmed"})
    assert await audit(shop.settings) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("placed", "undone"),
    [
        (order("o-1", "p-1", customer="nobody"), ["order"]),
        (order("o-1", "p-1", "p-2", customer="poor"), ["order"]),
        (order("o-1", "sold-out"), ["payment", "order"]),
        (order("o-1", "p-1", "unheard-of"), ["reservation p-1", "payment", "order"]),
    ],
    ids=["unknown customer", "insufficient credit", "insufficient stock", "unknown product"],
)
async def test_what_was_done_before_a_refusal_is_undone_in_reverse(shop: Environment, placed: Json, undone: list[str]) -> None:
    async with sagas(shop) as found:
        await shop.send([placed])
        await found.ended(["o-1"])

    told = found.kinds("o-1")
    assert [each.removeprefix("StepCompensated ") for each in told if "Compensated" in each] == undone
    assert told[-1] == "Failed"
    await stands(shop, "Order", {"o-1": "OrderCancelled"})
    assert await audit(shop.settings) == []


@pytest.mark.long
async def test_an_order_that_is_cancelled_before_it_is_shipped_is_undone_and_one_that_was_shipped_takes_its_stock_along(shop: Environment) -> None:
    async with sagas(shop) as found:
        await shop.send([order("o-1", "p-1"), order("o-2", "p-1", "p-2")])
        await found.ended(["o-1", "o-2"])
        await shop.send([command("Order", "o-1", "CancelOrder", reason="changed my mind"), command("Order", "o-2", "ShipOrder")])
        await found.last({"o-1": "SagaFailed"})

    assert found.kinds("o-1")[-5:] == ["CompensationStarted", "StepCompensated order", "StepCompensated reservation p-1", "StepCompensated payment", "Failed"]
    await stands(shop, "Product", {"p-2": "InventoryShipped"})
    await stands(shop, "Customer", {"c-1": "PaymentRefunded"})
    assert found.kinds("o-2")[-1] == "Completed"
    assert await audit(shop.settings) == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_every_order_ends_once_while_the_worker_is_killed_again_and_again(shop: Environment) -> None:
    names = [f"o-{number}" for number in range(60)]
    async with sagas(shop) as found, Results(shop.settings) as results:
        for number, name in enumerate(names):
            await shop.send([order(name, "p-1" if number % 2 else "p-2")])
            if number % 20 == 10:
                shop.workers[0].signal(signal.SIGKILL)
                await shop.workers[0].exit_code(within_s=60)
                shop.workers[0].start()
        await found.ended(names)

    ends = Counter(found.kinds(name)[-1] for name in names)
    assert ends == {"Completed": 13, "Failed": 47}, "there are 10 pieces of one product and 3 of the other"
    assert set(results.firsts().values()) == {1}
    assert await audit(shop.settings) == []


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_worker_may_die_before_and_after_every_decision_of_a_saga(environment: Environment) -> None:
    await environment.send(SHOP)
    names = [f"o-{number}-{when}" for number in range(1, DECISIONS + 1) for when in ("before", "after")]
    async with sagas(environment) as found, Results(environment.settings) as results:
        for name in names:
            _, number, when = name.split("-")
            dying = environment.worker(f"dies-{number}-{when}", program=("-m", "tests.support.workers.dying", when, number))
            await environment.send([order(name, "p-1" if when == "before" else "sold-out")])
            assert await dying.exit_code(within_s=200) == -signal.SIGKILL
        environment.worker("worker", program=WHOLE)
        await found.ended(names)

    assert {found.kinds(name)[-1] for name in names if name.endswith("before")} == {"Completed"}
    assert {found.kinds(name)[-1] for name in names if name.endswith("after")} == {"Failed"}
    assert set(results.firsts().values()) == {1}
    assert await audit(environment.settings) == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_what_stays_in_doubt_needs_an_operator_who_finds_it_undone_once_the_partner_goes_on(environment: Environment) -> None:
    worker = environment.worker("worker", program=WHOLE, saga_backoff_s="0.1", saga_retries="1")
    blocking = command("Product", "p-1", "PaintProduct")
    retry = command("Saga", "o-1", "RetryStep", user="ada", step="reservation", productId="p-1", reason="the partner is back")
    async with sagas(environment) as found, aiohttp.ClientSession() as session:
        await environment.send([*SHOP, blocking])
        await environment.send([order("o-1", "p-1", "p-2")])
        await found.last({"o-1": "SagaNeedsIntervention"})
        assert found.all[-1]["payload"]["steps"] == ["reservation/p-1"], "all the rest was undone"
        await stands(environment, "Order", {"o-1": "OrderCancelled"})
        await _discard_first(session, worker.url)
        await stands(environment, "Product", {"p-1": "InventoryReleased"})
        await environment.send([retry])
        await found.last({"o-1": "SagaFailed"})

    assert await audit(environment.settings) == []


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_saga_goes_on_where_it_was_when_the_changelog_is_lost(environment: Environment) -> None:
    worker = environment.worker("worker", program=WHOLE, saga_backoff_s="10", saga_retries="1")
    async with sagas(environment) as found:
        await environment.send([*SHOP, command("Product", "p-1", "PaintProduct")])
        await environment.send([order("o-1", "p-1"), order("o-2", "p-2")])
        await found.last({"o-1": "SagaStepFailed", "o-2": "SagaCompleted"})
        worker.signal(signal.SIGTERM)
        await worker.exit_code(within_s=60)
        await environment.lose(environment.settings.changelog)
        worker.start()
        await found.last({"o-1": "SagaNeedsIntervention"})

    assert found.kinds("o-2")[-1] == "Completed"
    assert await audit(environment.settings) == []


@pytest.mark.long
async def test_an_order_is_not_shipped_while_its_saga_undoes_it(shop: Environment) -> None:
    held = [Hold(shop.settings, command_topic(shop.settings, "Product"), partition) for partition in range(shop.settings.partitions)]
    async with sagas(shop) as found, Results(shop.settings, of="o-1") as results:
        await shop.send([order("o-1", "p-1")])
        await found.ended(["o-1"])
        for hold in held:
            await hold.begin()
        await shop.send([command("Saga", "o-1", "ForceCompensate", user="ada", reason="a fraud")])
        await found.last({"o-1": "SagaCompensationStarted"})
        await shop.send([command("Order", "o-1", "ShipOrder", "ship")])
        await until(lambda: any(result["commandId"] == "ship" for result in results.all), within_s=60)
        for hold in held:
            await hold.end()
        await found.last({"o-1": "SagaFailed"})

    [shipped] = [result for result in results.all if result["commandId"] == "ship"]
    assert (shipped["refusal"]["code"], shipped["refusal"]["state"]) == ("illegal-transition", "CONFIRMED")
    await stands(shop, "Order", {"o-1": "OrderCancelled"})
    assert await audit(shop.settings) == []


@pytest.mark.long
async def test_what_is_reserved_for_an_order_that_has_left_leaves_too_and_what_is_lacking_an_operator_has_done(shop: Environment) -> None:
    names = [f"o-{number}" for number in range(6)]
    by_hand = (command("Order", name, command_type) for name in names for command_type in ("ConfirmOrder", "ShipOrder"))
    async with sagas(shop) as found:
        await shop.send([*(order(name, "p-2") for name in names), *by_hand])
        await found.ended(names)
        in_need = [name for name in names if found.kinds(name)[-1] == "NeedsIntervention"]
        assert len(in_need) == 3, "there are three pieces"
        await shop.send([command("Product", "p-2", "ReceiveStock", "more", quantity=3)])
        await stands(shop, "Product", {"p-2": "StockReceived"})
        await shop.send(command("Saga", name, "RetryStep", user="ada", step="reservation", productId="p-2", reason="there is more") for name in in_need)
        await found.last(dict.fromkeys(names, "SagaCompleted"))

    async with Events(shop.settings, topic="events.product") as moved:
        await until(lambda: {event["payload"]["orderId"] for event in moved.all if event["eventType"] == "InventoryShipped"} == {*names}, within_s=60)
    assert await audit(shop.settings) == []


async def test_a_typo_in_a_command_about_a_saga_does_not_stop_the_saga(shop: Environment) -> None:
    typos: list[Json] = [command("Saga", "o-1", "RetrySteps", user="ada"), {"aggregateType": "Saga", "aggregateId": "o-1"}]
    async with sagas(shop) as found, Results(shop.settings, topic="parked") as parked:
        await shop.send([*typos, order("o-1", "p-1")])
        await found.last({"o-1": "SagaCompleted"})
        await parked.number(len(typos))

    assert len(parked.all) == len(typos)
    assert await audit(shop.settings) == []


@pytest.mark.long
async def test_an_operator_says_why_and_the_saga_remembers_who(shop: Environment) -> None:
    commands = [
        command("Saga", "o-1", "ForceCompensate", "early", user="ada", reason="a fraud"),
        command("Saga", "o-1", "ForceCompensate", "nobody", reason="a fraud"),
        command("Saga", "o-1", "CompleteSaga", "complete", user="ada", reason="it is done"),
        command("Saga", "o-1", "ForceCompensate", "fraud", user="ada", reason="a fraud"),
        command("Saga", "o-1", "ForceCompensate", "fraud", user="ada", reason="a fraud"),
    ]
    async with sagas(shop) as found, Results(shop.settings, of="o-1") as results:
        await shop.send([commands[0]])
        await results.number(1)
        await shop.send([order("o-1", "p-1")])
        await found.ended(["o-1"])
        await shop.send(commands[1:])
        await found.last({"o-1": "SagaFailed"})
        await until(lambda: sum(result["aggregateType"] == "Saga" for result in results.all) == len(commands), within_s=60)

    answers = [(result["commandId"], result.get("refusal", {}).get("code", result["outcome"])) for result in results.all if result["aggregateType"] == "Saga"]
    assert answers == [("early", "not-found"), ("nobody", "invalid"), ("complete", "illegal-transition"), ("fraud", "accepted"), ("fraud", "accepted")]
    [started] = [event for event in found.all if event["eventType"] == "SagaCompensationStarted"]
    assert (started["metadata"]["userId"], started["payload"]["reason"]) == ("ada", "a fraud")
    await stands(shop, "Order", {"o-1": "OrderCancelled"})
    assert await audit(shop.settings) == []


async def _discard_first(session: aiohttp.ClientSession, url: str) -> None:
    """Discard the record that blocks others."""
    async with session.get(f"{url}/parked") as answer:
        [head] = [record for record in (await answer.json())["items"] if record["reason"] == "unknown-type"]
    async with session.post(f"{url}/parked/{head['topic']}/{head['partition']}/{head['offset']}/discard", json={"reason": "a mistake"}) as answer:
        assert answer.status == 200
