"""Negative controls: sagas with one mechanism switched off, seen to go wrong."""

import pytest

from app.domain import order
from app.domain.order_fulfilment import commands as asks
from app.domain.order_fulfilment import evolve as fold
from app.domain.order_fulfilment import handle as hear
from schemas.saga import SagaDeadlineExtended
from schemas.timestamp import rfc3339
from tests.support.domain.saga_world import World
from tests.unit.domain.test_saga_operators import shipped_early
from tests.unit.domain.test_saga_properties import mended
from tests.unit.domain.test_saga_table import late, silent, until_asked


@pytest.mark.control
def test_what_is_in_doubt_and_not_undone_stays_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fold, "in_doubt", lambda _: False)
    world = World().place()

    silent(world, until_asked(world, "payment", "ProcessPayment"))

    assert world.settle().status == "FAILED"
    assert world.details()["c-1"] == "PAID"


@pytest.mark.control
def test_a_command_that_is_sent_again_under_another_id_is_refused_for_what_the_first_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World().place()
    asked = until_asked(world, "payment", "ProcessPayment")
    monkeypatch.setattr(asks, "command_id", lambda *parts: f"again-{'-'.join(parts)}")

    late(world, asked)

    assert world.settle().status == "FAILED"


@pytest.mark.control
def test_an_order_that_does_not_look_at_its_saga_is_shipped_while_it_is_refunded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "goes_back", lambda _: False)
    world = World().place().settle()
    world.operate("ForceCompensate")
    until_asked(world, "order", "CancelOrder")

    world.order("ShipOrder")

    assert (world.settle().order_status, world.details()["c-1"]) == ("SHIPPED", "REFUNDED")
    mended(world)
    assert (world.status, world.details()) == ("COMPLETED", {"c-1": "PAID", "p-1": "SHIPPED", "p-2": "SHIPPED"})


@pytest.mark.control
def test_what_is_reserved_late_for_an_order_that_has_left_is_kept_where_nobody_hears_that_it_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hear, "SagaOrderShipped", lambda: SagaDeadlineExtended(deadline_at=rfc3339(0), reason="so it must be"))
    world = shipped_early()

    assert world.settle().status == "COMPLETED"
    assert set(world.details().values()) == {"PAID", "RESERVED"}
