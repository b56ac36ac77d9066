"""Ends of sagas: verify reports those that do not follow from the saga's state, and no other."""

from functools import reduce

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from app.domain.order_fulfilment.process import fulfilment
from app.verify.orders.saga_endings import wrong_ends
from schemas.saga import SagaCompensationStarted, SagaCompleted, SagaEvent, SagaFailed, SagaStarted, SagaStepCompleted, SagaTimedOut
from tests.support.domain.saga_world import World
from tests.unit.domain.test_saga_properties import MOVES, PEOPLE, STEPS, STOCK, Actions, act, any_of

OPERATORS = (*MOVES, *PEOPLE, "SkipStep", "CompleteSaga", "park")
AT = "2026-01-01T00:00:00.000Z"
BACK = SagaCompensationStarted(reason="changed my mind", wait_until=AT)


def found(events: list[SagaEvent]) -> list[str]:
    """Return the faults in these events of a saga."""
    states = [reduce(fulfilment.evolve, events[:number], fulfilment.initial) for number in range(len(events))]
    return [wrong for saga, event in zip(states, events, strict=True) for wrong in wrong_ends(saga, event)]


def one_way() -> list[SagaEvent]:
    """Return the events of a completed saga."""
    return World().place().settle().events


def and_back() -> list[SagaEvent]:
    """Return the events of a failed saga."""
    return World(credit=0).place().settle().events


def do(world: World, action: str, number: int) -> None:
    """Do one action, if it is possible."""
    match action:
        case "SkipStep":
            world.operate("SkipStep", **STEPS[number % len(STEPS)])
        case "CompleteSaga":
            world.operate("CompleteSaga")
        case "park":
            world.parked = lambda ask: ask.aggregate_id == f"p-{number % 3}"
        case _:
            act(world, action, number)


@for_all(any_of(OPERATORS), STOCK, st.sampled_from([0, 100]))
@settings(max_examples=300)
def test_of_what_a_saga_does_nothing_is_said(moves: Actions, stock: dict[str, int], credit: int) -> None:
    world = World(credit, stock).place()

    for action, number in moves:
        do(world, action, number)

    assert found(world.settle().events) == []


@pytest.mark.parametrize(
    ("events", "wrong"),
    [
        ([*one_way(), SagaFailed(reason="so it must be")], "SagaFailed cannot follow when the saga is COMPLETED"),
        ([*one_way(), SagaTimedOut(deadline_at=AT)], "SagaTimedOut cannot follow when the saga is COMPLETED"),
        ([*and_back(), BACK], "SagaCompensationStarted cannot follow when the saga is FAILED"),
        ([*one_way()[:3], SagaCompleted()], "SagaCompleted follows, and steps are still open"),
        ([*and_back()[:-2], SagaFailed(reason="so it must be")], "SagaFailed follows, and steps are still open"),
        ([*one_way()[:-1], BACK], "no step is open any more, and SagaCompensationStarted follows where SagaCompleted must, or says something else"),
        ([SagaStepCompleted(step="order")], "SagaStepCompleted cannot follow when the saga is UNSTARTED"),
        ([*one_way()[:2], one_way()[0]], "SagaStarted cannot follow when the saga is ORDER_CREATED"),
    ],
)
def test_an_end_that_does_not_follow_is_found(events: list[SagaEvent], wrong: str) -> None:
    *right, last = events

    assert found(right) == []
    assert list(wrong_ends(reduce(fulfilment.evolve, right, fulfilment.initial), last)) == [wrong]


def test_the_examples_are_of_both_ways() -> None:
    assert isinstance(one_way()[0], SagaStarted)
    assert isinstance(one_way()[-1], SagaCompleted)
    assert isinstance(and_back()[-1], SagaFailed)
