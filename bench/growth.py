"""Growth of a command's cost and of the worker's memory with the number of orders, measured at each size.

The measured commands go to existing orders chosen at random, each once: every one is accepted, and the worker must look up its row.
They are written while the worker is stopped (SIGSTOP, for less than its session time-out), so that writing them takes no CPU while it runs.
"""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from app.settings import Settings
from bench.command import confirm, place
from bench.engine import WORKER, Running
from bench.figures import Cost, cost, other_load, table
from bench.memory import Memory, memory
from bench.meter import Meter
from bench.place import PARTITIONS, Place, machine, say

MEASURED = 50_000
"""Most commands that are measured at one size."""

SEED = 7
HEAD = ("orders", "measured", "commands/s", "worker us/command", "broker us/command", "other load, cores", "RSS MB", "of its own MB", "peak MB")


class Seen(NamedTuple):
    """Measured cost and memory with this number of orders."""

    orders: int
    measured: int
    cost: Cost
    memory: Memory


def run(place: Place, sizes: Sequence[int]) -> None:
    """Print a row for each size. `sizes` are in growing order."""
    seen: list[Seen] = []
    with place.fresh("growth") as settings, Running(WORKER, settings) as running:
        meter, unconfirmed = Meter(place, settings, running), list[int]()
        for before, size in pairwise([0, *sizes]):
            _grow(place, settings, meter, range(before, size))
            unconfirmed += range(before, size)
            chosen, unconfirmed = _chosen(unconfirmed)
            seen.append(_measure(place, settings, meter, running, chosen)._replace(orders=size))
            say("  " + "  ".join(_cells(seen[-1])))
    about = f"Growth: ConfirmOrder to orders chosen at random among all, {PARTITIONS} partitions, {machine()}"
    print("\n".join(["", about, "", table(HEAD, [_cells(each) for each in seen])]), flush=True)


def _grow(there: Place, settings: Settings, meter: Meter, numbers: range) -> None:
    say(f"growth: placing {len(numbers):,} more orders")
    begin = meter.sample().visible
    there.fill(settings, place(numbers))
    meter.window(len(numbers), begin)


def _chosen(numbers: list[int]) -> tuple[list[int], list[int]]:
    """Split the orders into some chosen at random and all others."""
    shuffled = random.Random(SEED).sample(numbers, len(numbers))  # noqa: S311 (the same in every run)
    return shuffled[:MEASURED], shuffled[MEASURED:]


def _measure(there: Place, settings: Settings, meter: Meter, running: Running, numbers: Sequence[int]) -> Seen:
    say(f"growth: confirming {len(numbers):,} orders")
    with running.stopped():
        there.fill(settings, confirm(numbers))
        first = meter.sample()
    _, last = meter.window(len(numbers), first.visible)
    return Seen(0, len(numbers), cost(first, last, last.visible - first.visible), memory(running))


def _cells(seen: Seen) -> tuple[str, ...]:
    costs = (f"{seen.cost.commands_per_s:,.0f}", f"{seen.cost.worker_us:.1f}", f"{seen.cost.broker_us:.1f}", other_load(seen.cost))
    return f"{seen.orders:,}", f"{seen.measured:,}", *costs, *(f"{each:.0f}" for each in seen.memory)
