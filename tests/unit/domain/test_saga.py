"""Single cases of sagas."""

import pytest

from app.domain.order import order_decider
from app.domain.order_fulfilment.process import fulfilment
from app.domain.shipping import policy
from app.eventsourcing.saga import TimerElapsed
from schemas.envelopes import Refusal
from schemas.order import OrderConfirmed, OrderShipped
from schemas.upcasters import NewerSchema
from tests.support.domain.examples import PLACED
from tests.support.domain.saga_world import DEADLINE_MS, World
from tests.support.domain.scenario import AT, given
from tests.unit.domain.test_saga_table import named, refused, until_asked


def test_the_statuses_of_an_order_that_is_fulfilled_are_those_of_the_contract() -> None:
    world, statuses = World().place(), list[str]()

    while not world.ended:
        statuses += [world.status] if world.status not in statuses else []
        world.read(world.waiting()[0])
        world.deliver()

    assert [*statuses, world.status] == ["ORDER_CREATED", "PAYMENT_PROCESSED", "INVENTORY_RESERVED", "COMPLETED"]
    assert [type(event).__name__ for event in world.events[:2]] == ["SagaStarted", "SagaStepCompleted"]


def test_the_lines_of_one_product_are_reserved_together() -> None:
    world = World(lines=(("p-1", 1), ("p-2", 2), ("p-1", 3))).place().settle()

    assert {name: partner.details["o-1"].quantity for (kind, name), partner in world.partners.items() if kind == "Product"} == {"p-1": 4, "p-2": 2}


def test_an_order_in_the_log_that_is_beyond_all_that_can_be_paid_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemas.order.MOST_MONEY", 10**21)
    world = World(lines=(("p-1", 1_000_000),) * 1_000, price=1_000_000_000_000).place().settle()

    assert (world.status, world.order_status) == ("FAILED", "CANCELLED")


def test_a_payment_that_somebody_else_made_for_the_order_is_refunded() -> None:
    world = World()
    world.partners["Customer", "c-1"].after("ProcessPayment", orderId="o-1", amount=1, currency="EUR")

    world.place().settle()

    assert (world.status, world.details()["c-1"]) == ("FAILED", "REFUNDED")


def test_an_order_that_somebody_else_confirmed_is_paid_and_reserved_all_the_same() -> None:
    world = World().place()
    world.order("ConfirmOrder")

    world.settle()

    assert (world.status, set(world.details().values())) == ("COMPLETED", {"PAID", "RESERVED"})


@pytest.mark.parametrize(("step", "command_type"), [("payment", "ProcessPayment"), ("reservation/p-1", "ReserveInventory")])
def test_a_step_that_an_operator_skips_is_waited_for_no_more(step: str, command_type: str) -> None:
    world = World().place()
    ask = until_asked(world, step, command_type)
    world.queues[ask.aggregate_type, ask.aggregate_id].clear()

    assert world.operate("SkipStep", **named(step)) is None

    assert world.settle().status == "COMPLETED"


def test_an_undoing_that_an_operator_settled_by_hand_ends_the_saga() -> None:
    world = in_need()

    assert world.operate("SkipStep", **named("payment")) is None

    assert world.status == "FAILED"


def test_a_saga_in_need_ends_as_its_order_ended_when_an_operator_says_that_it_is_settled() -> None:
    world = in_need()

    assert world.operate("CompleteSaga") is None

    assert (world.status, world.order_status) == ("FAILED", "CANCELLED")


def test_neither_the_confirmation_nor_the_cancelling_of_the_order_is_skipped() -> None:
    world = World().place()
    until_asked(world, "confirmation", "ConfirmOrder")

    refusal = world.operate("SkipStep", step="confirmation")

    assert refusal == Refusal(code="illegal-transition", message="confirm or cancel the order instead", state="INVENTORY_RESERVED")


def test_what_was_shipped_is_not_undone_by_force() -> None:
    world = World().place().settle()
    world.order("ShipOrder")

    refusal = world.operate("ForceCompensate")

    assert refusal is not None
    assert (refusal.code, refusal.state) == ("illegal-transition", "SHIPPED")


def test_an_order_whose_saga_goes_back_is_neither_confirmed_nor_shipped() -> None:
    world = World().place()
    until_asked(world, "confirmation", "ConfirmOrder")
    world.now_ms += DEADLINE_MS
    world.hear(TimerElapsed(world.now_ms))

    confirmed = world.order("ConfirmOrder")
    world.settle()

    assert confirmed == Refusal(code="illegal-transition", message="ConfirmOrder is not possible when the order's saga is COMPENSATING", state="PLACED")
    assert (world.status, world.order_status) == ("FAILED", "CANCELLED")


@pytest.mark.parametrize("first", ["ForceCompensate", "ShipOrder"])
def test_of_shipping_and_undoing_the_first_wins(first: str) -> None:
    world = World().place().settle()

    refusals = [world.operate(name) if name == "ForceCompensate" else world.order(name) for name in sorted({"ForceCompensate", "ShipOrder"}, key=first.__ne__)]
    world.settle()

    assert [None if refusal is None else refusal.code for refusal in refusals] == [None, "illegal-transition"]
    assert (world.status, world.order_status) == {"ForceCompensate": ("FAILED", "CANCELLED"), "ShipOrder": ("COMPLETED", "SHIPPED")}[first]


def test_an_order_whose_undoing_needs_an_operator_is_not_shipped() -> None:
    world = World().place().settle()
    world.operate("ForceCompensate")
    refused(world, until_asked(world, "order", "CancelOrder"))

    shipped = world.order("ShipOrder")

    assert world.status == "NEEDS_INTERVENTION"
    assert shipped == Refusal(code="illegal-transition", message="ShipOrder is not possible when the order's saga is NEEDS_INTERVENTION", state="CONFIRMED")


def test_a_saga_that_began_under_rules_of_a_later_day_is_not_gone_on_with() -> None:
    [started, *_] = World().place().events

    with pytest.raises(NewerSchema, match="definition 2"):
        fulfilment.evolve(fulfilment.initial, started.model_copy(update={"definition": 2}))


def test_an_order_takes_each_of_its_products_along_when_it_is_shipped_and_at_no_other_time() -> None:
    confirmed = given(order_decider, PLACED, OrderConfirmed(confirmed_at=AT)).root

    asks = list(policy("o-1", confirmed, OrderShipped(), "event-1"))

    assert [(ask.command_type, ask.aggregate_id, ask.payload) for ask in asks] == [
        ("ShipInventory", product, {"orderId": "o-1"}) for product in dict.fromkeys(item.product_id for item in PLACED.items)
    ]
    assert list(policy("o-1", confirmed, OrderConfirmed(confirmed_at=AT), "event-1")) == []


def in_need() -> World:
    """Return a saga whose refund was refused for good."""
    world = World().place().settle()
    world.order("CancelOrder", reason="changed my mind")
    refused(world, until_asked(world, "payment", "RefundPayment"))
    assert world.settle().status == "NEEDS_INTERVENTION"
    return world
