"""verify across partitions: sagas complete or compensate orders, then the test damages the log, or sends commands by hand."""

import signal

import pytest
from aiokafka import TopicPartition

from app.client.results import Json
from app.domain.order_fulfilment.commands import Way, asked_by
from app.domain.order_fulfilment.state import Step
from app.verify.orders.collector import OrderFacts
from app.verify.reading import end_offsets as ends
from app.verify.run import audit
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.forged import forge
from tests.support.workers.shop import command, customer, order, product, sagas, stands
from tests.support.workers.worker import WHOLE

SHOP = [customer("c-1"), customer("poor", 7), *product("p-1"), *product("sold-out", 0)]
CONFIRMED, FAILED = [f"o-{number}" for number in range(1, 6)], ["too-much", "too-many"]
AT = "2026-01-01T00:00:00.000Z"


@pytest.fixture
async def settled(environment: Environment) -> Environment:
    """Return an environment with confirmed orders and two that failed: one without credit, one without stock."""
    environment.worker("worker", program=WHOLE)
    await environment.send(SHOP)
    orders = [*(order(name, "p-1") for name in CONFIRMED), order("too-much", "p-1", "p-1", customer="poor"), order("too-many", "sold-out")]
    async with sagas(environment) as found:
        await environment.send(orders)
        await found.ended([*CONFIRMED, *FAILED])
    return environment


async def end_worker(environment: Environment) -> None:
    """Stop the worker, so that later records are not processed."""
    environment.workers[0].signal(signal.SIGTERM)
    assert await environment.workers[0].exit_code(within_s=60) == 0


def cause(order_id: str, way: Way, step: str, product_id: str | None = None) -> str:
    """Return the id of the command that a saga sends for a step, or for its compensation."""
    return next(iter(asked_by(order_id, way, Step(step, product_id), 1)))  # type: ignore[arg-type]  # the name of a step


async def counted(environment: Environment) -> tuple[list[str], list[str]]:
    """Run verify. Return its findings and all its lines."""
    lines: list[str] = []
    return await audit(environment.settings, tell=lines.append), lines


@pytest.mark.long
async def test_of_orders_that_their_sagas_settled_the_sums_are_told(settled: Environment) -> None:
    await settled.send([command("Order", "o-1", "CancelOrder", reason="changed my mind")])
    async with sagas(settled) as found:
        await found.last({"o-1": "SagaFailed"})
    await settled.send([command("Order", "o-2", "ShipOrder")])
    await stands(settled, "Product", {"p-1": "InventoryShipped"})

    findings, lines = await counted(settled)

    assert findings == []
    assert lines[:3] == [
        "money: 30 paid - 10 refunded = 20 EUR; the orders CONFIRMED or SHIPPED come to 20 EUR",
        "stock: 10 received = 6 available + 3 reserved + 1 shipped",
        "orders: 7 settled by their sagas",
    ]


@pytest.mark.long
@pytest.mark.control
async def test_an_order_that_ended_otherwise_than_its_money_or_its_stock_is_found(settled: Environment) -> None:
    await end_worker(settled)
    moved: Json = {"orderId": "o-1", "amount": 5, "currency": "EUR"}
    await forge(settled, "Customer", "c-1", "PaymentRefunded", cause("o-1", "undo", "payment"), **moved)
    await forge(settled, "Customer", "poor", "PaymentProcessed", cause("too-much", "do", "payment"), **{**moved, "orderId": "too-much"})
    await forge(settled, "Product", "p-1", "InventoryReleased", cause("o-2", "undo", "reservation", "p-1"), orderId="o-2", quantity=1)
    await forge(settled, "Order", "o-3", "OrderShipped")
    await forge(settled, "Order", "o-4", "OrderCancelled", reason="changed my mind")
    await forge(settled, "Saga", "o-5", "SagaFailed", reason="so it must be")
    await forge(settled, "Saga", "too-many", "SagaCompensationStarted", reason="so it must be", waitUntil=AT)

    findings = await audit(settled.settings)

    for kind, name, told in (
        ("not-settled", "o-1", "it is CONFIRMED: what is paid must be {'c-1': '5 EUR'}, and is nothing"),
        ("not-settled", "too-much", "it is CANCELLED: what is paid must be nothing, and is {'poor': '5 EUR'}"),
        ("not-settled", "o-2", "it is CONFIRMED: its stock must be {'p-1': '1 RESERVED'}, and is nothing"),
        ("not-settled", "o-3", "it is SHIPPED: its stock must be {'p-1': '1 SHIPPED'}, and is {'p-1': '1 RESERVED'}"),
        ("not-settled", "o-4", "its saga ended with SagaCompleted, and it is CANCELLED"),
        ("wrong-end", "o-5", "SagaFailed cannot follow when the saga is COMPLETED"),
        ("wrong-end", "too-many", "SagaCompensationStarted cannot follow when the saga is FAILED"),
    ):
        assert any(line.startswith(kind) and f"key {name}: " in line and told in line for line in findings), (kind, name, told, findings)


@pytest.mark.long
@pytest.mark.control
async def test_a_saga_that_waits_for_nothing_and_has_no_end_is_found(settled: Environment) -> None:
    await end_worker(settled)
    await forge(settled, "Saga", "o-1", "SagaCompensationStarted", reason="so it must be", waitUntil=AT)
    for step, about in (("order", {}), ("reservation", {"productId": "p-1"}), ("payment", {})):
        await forge(settled, "Saga", "o-1", "SagaStepCompensated", step=step, **about)

    assert any("wrong-end" in line and "key o-1: no step of the saga is open any more, and it has no end" in line for line in await audit(settled.settings))


@pytest.mark.long
async def test_what_people_settle_by_hand_is_no_finding(settled: Environment) -> None:
    by_hand = [
        command("Customer", "c-1", "ProcessPayment", orderId="stray", amount=7, currency="EUR"),
        command("Customer", "c-1", "RefundPayment", orderId="o-1"),
        command("Product", "p-1", "ReserveInventory", orderId="stray", quantity=1),
        command("Product", "p-1", "ReleaseInventory", orderId="o-2"),
    ]
    await settled.send(by_hand)
    asked = {each["commandId"] for each in by_hand}
    async with Results(settled.settings, wanted=lambda result: result["commandId"] in asked) as results:
        await results.number(len(asked))

    findings, lines = await counted(settled)

    assert findings == []
    assert lines[2] == "orders: 5 settled by their sagas, 2 settled by hand, 1 without a saga"


async def shipped_behind_parked(settled: Environment) -> list[str]:
    """Ship an order whose product waits behind a parked record. Return the findings."""
    await settled.send([command("Product", "p-1", "PaintProduct")])
    async with Results(settled.settings, of="p-1") as results:
        await until(lambda: any(result["outcome"] == "parked" for result in results.all), within_s=60)
    await settled.send([command("Order", "o-1", "ShipOrder")])
    await stands(settled, "Order", {"o-1": "OrderShipped"})
    return await audit(settled.settings)


@pytest.mark.long
async def test_stock_of_a_shipped_order_that_waits_to_leave_is_no_finding(settled: Environment) -> None:
    assert await shipped_behind_parked(settled) == []


@pytest.mark.long
@pytest.mark.control
async def test_stock_for_which_nobody_waits_gives_a_false_finding(settled: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrderFacts, "held", lambda _orders, _product_id: False)

    [finding] = await shipped_behind_parked(settled)

    assert finding.startswith("not-settled")
    assert "it is SHIPPED: its stock must be {'p-1': '1 SHIPPED'}, and is {'p-1': '1 RESERVED'}" in finding


async def cancel(settled: Environment) -> None:
    """Cancel an order, start its saga's compensation, and refund its payment."""
    await forge(settled, "Order", "o-1", "OrderCancelled", reason="changed my mind")
    await forge(settled, "Saga", "o-1", "SagaCompensationStarted", reason="changed my mind", waitUntil=AT)
    await forge(settled, "Customer", "c-1", "PaymentRefunded", cause("o-1", "undo", "payment"), orderId="o-1", amount=5, currency="EUR")


async def cancelled_meanwhile(settled: Environment, monkeypatch: pytest.MonkeyPatch, *, backwards: bool = False) -> list[str]:
    """Run verify, and cancel an order after it read the ends of customers and before those of orders, or `backwards`. Return the findings."""
    await end_worker(settled)
    early: dict[TopicPartition, int] = {}
    look = ends._Ends.settled  # noqa: SLF001 (what is interrupted)

    async def interrupted(of: "ends._Ends", topics: list[str]) -> dict[TopicPartition, int]:
        if settled.settings.topic("events.customer") not in topics:
            found = await look(of, topics)
            return found | {where: early[where] for where in found.keys() & early.keys()}
        if backwards:
            early.update(await look(of, [settled.settings.topic("events.order"), settled.settings.topic("events.saga")]))
            await cancel(settled)
            return await look(of, topics)
        found = await look(of, topics)
        await cancel(settled)
        return found

    monkeypatch.setattr(ends._Ends, "settled", interrupted)  # noqa: SLF001 (the same)
    return await audit(settled.settings)


@pytest.mark.long
async def test_an_order_that_is_cancelled_meanwhile_is_no_finding(settled: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await cancelled_meanwhile(settled, monkeypatch) == []


@pytest.mark.long
@pytest.mark.control
async def test_ends_of_orders_that_are_taken_before_those_of_customers_give_a_false_finding(settled: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = await cancelled_meanwhile(settled, monkeypatch, backwards=True)

    assert finding.startswith("not-settled")
