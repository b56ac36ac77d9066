"""Operators' commands at every stage of a saga: their results, and that money and stock are never wrong in the end."""

from collections.abc import Callable

import pytest

from app.domain.order_fulfilment.process import fulfilment
from tests.support.domain.saga_world import ORDER, World
from tests.unit.domain.test_saga_properties import judge, mended
from tests.unit.domain.test_saga_table import named, refused, until_asked

Stage = Callable[[], World]
OK, NO, NOT_FOUND = "accepted", "illegal-transition", "not-found"


def paying() -> World:
    """Return a saga that has sent the payment."""
    world = World().place()
    until_asked(world, "payment", "ProcessPayment")
    return world


def confirming() -> World:
    """Return a saga in which everything is paid and reserved."""
    world = World().place()
    until_asked(world, "confirmation", "ConfirmOrder")
    return world


def completed() -> World:
    """Return a saga whose order is confirmed."""
    return World().place().settle()


def shipped() -> World:
    """Return a completed saga whose order was shipped."""
    world = completed()
    world.order("ShipOrder")
    return world.settle()


def shipped_early() -> World:
    """Return a saga whose order was confirmed by hand, and shipped before it was paid."""
    world = paying()
    world.order("ConfirmOrder")
    world.order("ShipOrder")
    return world


def shipped_in_need() -> World:
    """Return a saga whose order was confirmed by hand and shipped, and cannot be paid for lack of credit."""
    world = World(credit=0).place()
    world.order("ConfirmOrder")
    world.order("ShipOrder")
    return world.settle()


def releasing() -> World:
    """Return a saga in compensation."""
    world = completed()
    world.operate("ForceCompensate")
    until_asked(world, "reservation/p-1", "ReleaseInventory")
    return world


def in_need() -> World:
    """Return a saga whose refund was refused; its order is cancelled."""
    world = releasing()
    refused(world, until_asked(world, "payment", "RefundPayment"))
    return world.settle()


def not_cancelled() -> World:
    """Return a saga in which everything is compensated except the order, which is still confirmed."""
    world = releasing()
    refused(world, until_asked(world, "order", "CancelOrder"))
    return world.settle()


def undone() -> World:
    """Return a saga whose order is completely compensated."""
    world = releasing()
    return world.settle()


STAGES: dict[Stage, tuple[str, str]] = {
    paying: ("ORDER_CREATED", "PLACED"),
    confirming: ("INVENTORY_RESERVED", "PLACED"),
    completed: ("COMPLETED", "CONFIRMED"),
    shipped: ("COMPLETED", "SHIPPED"),
    shipped_early: ("ORDER_CREATED", "SHIPPED"),
    shipped_in_need: ("NEEDS_INTERVENTION", "SHIPPED"),
    releasing: ("COMPENSATING", "CONFIRMED"),
    in_need: ("NEEDS_INTERVENTION", "CANCELLED"),
    not_cancelled: ("NEEDS_INTERVENTION", "CONFIRMED"),
    undone: ("FAILED", "CANCELLED"),
}
ANSWERS: dict[str, list[str]] = {
    "RetryStep payment": [OK, NO, NO, NO, OK, OK, NO, OK, NO, NO],
    "RetryStep reservation/p-1": [NO, NO, NO, NO, NO, NO, OK, NO, NO, NO],
    "RetryStep order": [NO, NO, NO, NO, NO, NO, NO, NO, OK, NO],
    "RetryStep confirmation": [NO, OK, NO, NO, NO, NO, NOT_FOUND, NOT_FOUND, NOT_FOUND, NO],
    "SkipStep order": [NO, NO, NO, NO, NO, NO, NO, NO, NO, NO],
    "ForceCompensate": [OK, OK, OK, NO, NO, NO, NO, OK, OK, NO],
    "ExtendDeadline": [OK, OK, NO, NO, NO, NO, NO, NO, NO, NO],
}
"""Results by command, at each stage in the order above."""

BY_HAND: dict[str, list[str]] = {
    "SkipStep payment": [OK, NO, NO, NO, OK, OK, NO, OK, NO, NO],
    "CompleteSaga": [NO, NO, NO, NO, NO, OK, NO, OK, NO, NO],
}
"""Results of commands by which an operator says that something was settled elsewhere."""


def operated(world: World, said: str) -> str:
    """Send an operator's command. Return its outcome."""
    name, _, step = said.partition(" ")
    about: dict[str, object] = dict(named(step)) if step else {}
    refusal = world.operate(name, **about, **({"seconds": 60} if name == "ExtendDeadline" else {}))
    return OK if refusal is None else refusal.code


@pytest.mark.parametrize(("stage", "statuses"), STAGES.items())
def test_the_stages_are_what_they_are_called(stage: Stage, statuses: tuple[str, str]) -> None:
    world = stage()

    assert (world.status, world.order_status) == statuses


@pytest.mark.parametrize("said", ANSWERS | BY_HAND)
def test_each_command_is_answered_so_at_each_stage(said: str) -> None:
    assert {stage.__name__: operated(stage(), said) for stage in STAGES} == dict(
        zip([stage.__name__ for stage in STAGES], (ANSWERS | BY_HAND)[said], strict=True)
    )


@pytest.mark.parametrize("late", [False, True], ids=["", "what is under way comes first"])
@pytest.mark.parametrize("said", ANSWERS)
@pytest.mark.parametrize("stage", STAGES)
def test_whatever_an_operator_does_all_is_done_or_undone_in_the_end(stage: Stage, said: str, late: bool) -> None:  # noqa: FBT001 (a parameter of the table)
    world = stage()
    if late:
        world.drain()

    operated(world, said)

    judge(mended(world))


@pytest.mark.parametrize("stage", STAGES)
def test_no_order_is_shipped_unpaid_because_its_saga_was_said_to_be_settled(stage: Stage) -> None:
    world = stage()
    left = world.order_status == "SHIPPED"

    operated(world, "CompleteSaga")
    world.settle()

    assert left or world.order("ShipOrder") is not None or set(world.details().values()) == {"PAID", "RESERVED"}


def test_what_an_operator_asks_for_again_does_not_use_up_what_the_saga_tries_by_itself() -> None:
    world = paying()
    for _ in range(10):
        assert operated(world, "RetryStep payment") == OK

    for _ in range(4):
        world.wake()

    assert world.status == "ORDER_CREATED"
    judge(world.settle())


def test_what_is_reserved_late_for_an_order_that_has_left_is_shipped() -> None:
    world = shipped_early()

    world.settle()

    assert (world.status, world.details()) == ("COMPLETED", {"c-1": "PAID", "p-1": "SHIPPED", "p-2": "SHIPPED"})


def test_a_reservation_that_was_given_up_and_comes_after_all_is_shipped() -> None:
    world = shipped_early()
    ask = until_asked(world, "reservation/p-1", "ReserveInventory")
    while world.status != "NEEDS_INTERVENTION":
        world.wake()
        for partner in world.waiting():
            if partner != (ask.aggregate_type, ask.aggregate_id):
                world.read(partner)
        while world.replies:
            world.deliver()

    world.settle().drain()

    assert (world.status, world.details()["p-1"]) == ("COMPLETED", "SHIPPED")


def test_an_order_that_left_without_being_paid_needs_an_operator_who_has_it_paid() -> None:
    world = shipped_in_need()
    assert world.events[-1].model_dump()["steps"] == ("payment",)

    judge(mended(world))

    assert {ask.command_type for ask in fulfilment.react(ORDER, world.saga).asks} == set()
    assert world.details() == {"c-1": "PAID", "p-1": "SHIPPED", "p-2": "SHIPPED"}


def test_a_deadline_that_meets_an_order_that_has_left_undoes_nothing() -> None:
    world = shipped_early()
    world.now_ms += 10_000_000

    judge(mended(world))

    assert "SagaCompensationStarted" not in {type(event).__name__ for event in world.events}
