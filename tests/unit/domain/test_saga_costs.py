"""Cost of a saga per input, in calls of functions: it grows with the products of the order, and no faster."""

import sys
from collections.abc import Callable
from types import FrameType

import msgspec
import pytest

from app.domain.order_fulfilment.process import fulfilment
from app.domain.read_models import saga_status
from app.domain.read_models.saga_status import SagaStatus, project
from app.eventsourcing.recorded_event import RecordedEvent
from app.eventsourcing.saga import CommandResult
from schemas.envelopes import payload_json
from schemas.saga import SagaEvent
from tests.support.domain.saga_world import ORDER, World
from tests.unit.domain.test_saga_table import until_asked

FEW, MANY = 100, 400


def calls(what: Callable[[], object]) -> int:
    """Count the calls of Python functions, and the resumptions of generators."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call"

    sys.setprofile(count)
    try:
        what()
    finally:
        sys.setprofile(None)
    return counted


def reserving(products: int) -> tuple[World, CommandResult]:
    """Return a saga that waits for all its reservations, and the answer to the last one."""
    lines = tuple((f"p-{number}", 1) for number in range(products))
    world = World(credit=10_000, stock={name: 1 for name, _ in lines}, lines=lines).place()
    until_asked(world, f"reservation/{lines[0][0]}", "ReserveInventory")
    last = fulfilment.react(ORDER, world.saga).asks[-1]
    return world, CommandResult(last.command_id, last.command_type, last.aggregate_id, "accepted")


def hearing(products: int) -> int:
    """Count the calls for one answer and the commands that follow."""
    world, reply = reserving(products)
    before = world.saga

    def hear() -> None:
        [event] = fulfilment.hear(ORDER, before, reply, world.now_ms)
        fulfilment.react(ORDER, fulfilment.evolve(before, event), before)

    return calls(hear)


def showing(products: int) -> int:
    """Count the calls for projecting one event onto the visible row."""
    world, reply = reserving(products)
    row: SagaStatus | None = None
    for version, event in enumerate(world.events, 1):
        row = project(row, recorded(event, version))
    [event] = fulfilment.hear(ORDER, world.saga, reply, world.now_ms)
    return calls(lambda: project(row, recorded(event, len(world.events) + 1)))


def recorded(event: SagaEvent, version: int) -> RecordedEvent:
    """Return an event as a view gets it."""
    return RecordedEvent(type(event).__name__, "Saga", ORDER, version, "2026-01-01T00:00:00.000Z", msgspec.Raw(payload_json(event)))


def test_what_an_answer_costs_grows_with_the_products_of_the_order_and_no_faster() -> None:
    assert hearing(MANY) < 5 * hearing(FEW)


def test_what_a_row_costs_grows_with_the_products_of_the_order_and_no_faster() -> None:
    assert showing(MANY) < 5 * showing(FEW)


@pytest.mark.control
def test_a_row_whose_steps_are_looked_for_one_by_one_costs_the_square(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = saga_status._shown  # noqa: SLF001 (a control replaces what is inside)

    def looked_for(steps: tuple[saga_status.ShownStep, ...], saga: object, what: object, at: str) -> object:
        for step in steps:
            next((found for found in saga.steps if str(found) == step.step), None)  # type: ignore[attr-defined]  # a saga with steps
        return shown(steps, saga, what, at)  # type: ignore[arg-type]  # passed on unchanged

    monkeypatch.setattr(saga_status, "_shown", looked_for)

    assert showing(MANY) > 10 * showing(FEW)
