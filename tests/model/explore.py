"""Exploration of the protocol: every schedule with few faults, or random schedules in a larger space."""

import random
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from tests.model.invariants import unfinished, violation
from tests.model.protocol import Kernel
from tests.model.schedule import ACTORS, actors, fair, steps
from tests.model.world import Steps, World

CHANCE_STEPS = 60
"""Largest number of random steps. Then a schedule continues fairly, without further faults."""

FAIR_STEPS = 300
"""Number of steps that no fair schedule needs."""


class Violation(NamedTuple):
    """Violated invariant, and the steps that led to it."""

    what: str
    schedule: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*(f"{number:3}. {step}" for number, step in enumerate(self.schedule, 1)), f"     -> {self.what}"])


class Explored(NamedTuple):
    """Numbers of worlds and of different schedules seen, and the violation found, if any."""

    worlds: int
    schedules: int
    violation: Violation | None


def exhaust(kernel: Kernel, world: World, epochs: int) -> Explored:
    """Explore every schedule within so many epochs. Worlds are visited breadth first, so the first violation has the shortest schedule.

    Epochs are bounded because a zombie that keeps asking for one may meet an open transaction each time, and abort it, without end.
    """
    came: dict[World, tuple[World, str] | None] = {world: None}
    numbers, nexts, waiting = {world: 0}, list[list[int]](), deque([world])
    while waiting:
        now = waiting.popleft()
        wrong = violation(kernel, now) or (unfinished(now) if next(fair(kernel, now), None) is None else None)
        if wrong:
            return Explored(len(came), 0, Violation(wrong, _path(came, now)))
        nexts.append([])
        for words, step in steps(kernel, now) if now.broker.epoch < epochs else ():
            then = step()
            if then not in came:
                came[then], numbers[then] = (now, words), len(came)
                waiting.append(then)
            if then != now:  # a step that must only be repeated is none
                nexts[-1].append(numbers[then])
    return Explored(len(came), _paths(nexts), None)


def _path(came: dict[World, tuple[World, str] | None], world: World) -> tuple[str, ...]:
    words: list[str] = []
    while (before := came[world]) is not None:
        world, step = before
        words.append(step)
    return tuple(reversed(words))


def _paths(nexts: Sequence[Sequence[int]]) -> int:
    """Count the paths from the first world to those without a next one. There are no cycles, or a schedule would be endless."""
    into, ways, ends, ready = [0] * len(nexts), [1] + [0] * (len(nexts) - 1), 0, [0]
    for following in nexts:
        for number in following:
            into[number] += 1
    seen = 0
    while ready:
        number = ready.pop()
        seen += 1
        ends += 0 if nexts[number] else ways[number]
        for then in nexts[number]:
            ways[then] += ways[number]
            into[then] -= 1
            if not into[then]:
                ready.append(then)
    assert seen == len(nexts), "a schedule goes round in circles"
    return ends


def sample(kernel: Kernel, worlds: Sequence[World], schedules: int, seed: int) -> Explored:
    """Run this many different random schedules, each from one of these worlds; fewer if one shows a violation."""
    chance, seen = random.Random(seed), set[int]()  # noqa: S311 (chance that can be repeated)
    while len(seen) < schedules:
        schedule, wrong = _by_chance(kernel, chance.choice(worlds), chance)
        if wrong:
            return Explored(0, len(seen) + 1, Violation(wrong, schedule))
        seen.add(hash(schedule))
    return Explored(0, len(seen), None)


def _by_chance(kernel: Kernel, world: World, chance: random.Random) -> tuple[tuple[str, ...], str | None]:
    """Run one schedule, random at first, then fair. Return its steps and the violation, if any."""
    schedule, chances = list[str](), chance.randrange(CHANCE_STEPS)
    for number in range(chances + FAIR_STEPS):
        ways = list(steps(kernel, world) if number < chances else _turn(kernel, world, number))
        if not ways:
            continue
        words, step = chance.choice(ways)
        world = step()
        schedule.append(words)
        wrong = violation(kernel, world)
        if wrong:
            return tuple(schedule), wrong
        if next(fair(kernel, world), None) is None:
            return tuple(schedule), unfinished(world)
    return tuple(schedule), "it comes to no end"


def _turn(kernel: Kernel, world: World, number: int) -> Steps:
    """Return the step by which the actor whose turn it is progresses."""
    return islice(actors(kernel, world)[number % ACTORS], 1)
