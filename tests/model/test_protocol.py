"""The runtime's protocol holds in every schedule of small worlds and in many of larger ones. Without any one of its mechanisms it does not."""

import pytest

from tests.model import controls
from tests.model.bounds import EPOCHS, EXHAUSTED, LARGE, REPEATED, TOO_LARGE, TWO
from tests.model.explore import exhaust, sample
from tests.model.protocol import Kernel
from tests.model.world import Budget, World, beginning

LEAST = 100_000
"""Smallest number of schedules in each small world."""

BY_CHANCE = 4_000
SEED = 1

MOVED = beginning(TWO, Budget(rebalances=2))
CUT_OFF = beginning(TWO, Budget(kills=1, faults=1))


def name(world: World) -> str:
    """Name a world by the kinds of its commands, and its faults."""
    return f"{'+'.join(command.fault or command.command_id for command in world.commands)} {world.budget}"


@pytest.mark.parametrize("world", EXHAUSTED, ids=name)
def test_every_schedule_of_a_small_world_ends_right(world: World) -> None:
    explored = exhaust(Kernel(), world, EPOCHS)

    assert explored.violation is None, str(explored.violation)
    assert explored.schedules >= LEAST


def test_schedules_by_chance_of_larger_worlds_end_right() -> None:
    explored = sample(Kernel(), LARGE, BY_CHANCE, SEED)

    assert explored.violation is None, str(explored.violation)
    assert explored.schedules == BY_CHANCE


@pytest.mark.control
@pytest.mark.parametrize(
    ("control", "world", "what"),
    [
        (controls.PositionBeforeFence, MOVED, "the commands were not taken in once each"),
        (controls.StoreBeforeCommit, beginning(TWO, Budget(kills=1)), "a store is not what its part of the changelog says"),
        (controls.PositionOutside, beginning(TWO, Budget(kills=1)), "the commands were not taken in once each"),
        (controls.RefusalIgnored, beginning(TOO_LARGE, Budget()), "a transaction is committed in part"),
        (controls.FetchedKept, beginning(TWO, Budget(faults=1)), "the commands were not taken in once each"),
        (controls.NothingRemembered, beginning(REPEATED, Budget()), "an event id is there twice"),
        (controls.EndRetried, CUT_OFF, "a transaction is committed in part"),
        (controls.AbortedUnanswered, CUT_OFF, "a transaction is committed in part"),
        (controls.GroupNotAsked, MOVED, "a read shows less than a client was told"),
        (controls.GroupNotAskedAgain, MOVED, "a read shows less than a client was told"),
        (controls.StaleReader, MOVED, "a read shows less than a client was told"),
        (controls.GenerationsMissed, MOVED, "a read shows less than a client was told"),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_kernel_without_one_of_its_mechanisms_is_found(control: type[Kernel], world: World, what: str) -> None:
    violation = exhaust(control(), world, EPOCHS).violation

    assert violation is not None
    print(f"{control.__doc__}\n{violation}")  # noqa: T201 (pytest shows it on demand: -rP)
    assert what in violation.what
