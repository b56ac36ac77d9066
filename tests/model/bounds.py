"""Bounds of the exploration: commands, and the number of faults around them."""

from tests.model.rows import Command
from tests.model.world import Budget, World, beginning

TWO = (Command("1", "a"), Command("2", "a"))
REPEATED = (Command("1", "a"), Command("1", "a"), Command("2", "b"))
"""Commands of a client that repeats one."""

FAILING = (Command("1", "a", "fails"), Command("2", "a"), Command("3", "b"))
"""Commands of which the first is parked, the second waits behind it, and the third does not."""

TOO_LARGE = (Command("1", "a"), Command("2", "a", "too large"))
ALL = (Command("1", "a"), Command("2", "a", "fails"), Command("1", "a"), Command("3", "b", "too large"), Command("4", "a"))

EPOCHS = 4

EXHAUSTED: tuple[World, ...] = (
    beginning(TWO, Budget(kills=1, rebalances=1)),
    beginning(TWO, Budget(kills=1, faults=1)),
    beginning(TWO, Budget(rebalances=2)),
    beginning(REPEATED, Budget(kills=1)),
    beginning(REPEATED, Budget(rebalances=1)),
    beginning(REPEATED, Budget(faults=1)),
    beginning(FAILING, Budget(kills=1)),
    beginning(FAILING, Budget(rebalances=1)),
    beginning(FAILING, Budget(faults=1)),
    beginning(TOO_LARGE, Budget(rebalances=1)),
    beginning(TOO_LARGE, Budget(faults=1)),
)
"""Worlds small enough to explore every schedule."""

LARGE: tuple[World, ...] = tuple(
    beginning(commands, budget)
    for commands in (TWO, REPEATED, FAILING, TOO_LARGE, ALL)
    for budget in (Budget(2, 1, 1), Budget(1, 2, 1), Budget(1, 1, 2), Budget(0, 3, 2), Budget(2, 2, 2))
)
"""Worlds to explore by random schedules."""
