"""Profile of a worker's CPU time by function: in the function itself, and with everything that it calls."""

import re
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.command import SIZE, place
from bench.engine import SAMPLED, Running, samples
from bench.figures import cost, other_load, table
from bench.meter import Meter
from bench.place import PARTITIONS, Place, machine, say
from bench.takeover import ASSIGNED, OPEN, OPEN_WITHIN_S, filled

SHOWN = 30
OURS = ("app/", "agents/", "tables/")

Stack = list[str]
"""Functions as `file:name`, the innermost first."""


class Spent(NamedTuple):
    """CPU seconds by function: in itself (including C code that it calls), and with everything that it calls."""

    own_s: Counter[str]
    whole_s: Counter[str]


def run(there: Place, commands: int) -> None:
    """Print the functions that use most CPU themselves, then those of Foldstream that use most with everything that they call."""
    say(f"profile: a sampled worker, {commands:,} commands")
    with there.fresh("profile") as settings:
        there.fill(settings, place(range(commands)))
        with Running(SAMPLED, settings) as running:
            first, last = Meter(there, settings, running).window(commands)
        found = spent(read(samples(settings), first.at_s, last.at_s))
    seen = cost(first, last, last.visible - first.visible)
    print(f"\nProfile: {commands:,} PlaceOrder commands of {SIZE} bytes, {PARTITIONS} partitions, {machine()}, other load {other_load(seen)} cores")
    print(_report(found, last.visible - first.visible, "command"), flush=True)


def run_takeover(there: Place, orders: int) -> None:
    """Print the profile of a partition's take-over from an empty disk, per row of its changelog."""
    with filled(there, orders) as settings:
        rows = there.ends(settings.changelog, settings.partitions)
        shutil.rmtree(settings.datadir)
        say("profile: a sampled worker on an empty disk")
        with Running(SAMPLED, settings) as running:
            began_s, ended_s = (running.until_said(line, OPEN_WITHIN_S) for line in (ASSIGNED, OPEN))
        found = spent(read(samples(settings), began_s, ended_s))
    print(f"\nProfile: take-over of one partition from an empty disk in {ended_s - began_s:.1f} s, {rows:,} rows, {machine()}")
    print(_report(found, rows, "row"), flush=True)


def read(path: Path, first_s: float, last_s: float) -> list[tuple[float, Stack]]:
    """Read the CPU seconds and stacks that were sampled between two times (CLOCK_MONOTONIC seconds)."""
    decode = msgspec.json.Decoder(tuple[float, float, Stack]).decode
    taken = (decode(line) for line in path.read_bytes().splitlines())
    return [(used_s, [_named(each) for each in stack]) for at_s, used_s, stack in taken if first_s <= at_s <= last_s]


def spent(stacks: Iterable[tuple[float, Stack]]) -> Spent:
    """Sum all samples. A function that is on a stack more than once counts once."""
    found = Spent(Counter(), Counter())
    for used_s, stack in stacks:
        found.own_s[stack[0]] += used_s  # type: ignore[assignment]  # a Counter of seconds
        for function in set(stack):
            found.whole_s[function] += used_s  # type: ignore[assignment]  # as above
    return found


def _report(found: Spent, count: int, unit: str) -> str:
    head = ("function", f"itself, us/{unit}", f"with callees, us/{unit}")
    own = [name for name, _ in found.own_s.most_common(SHOWN)]
    whole = [name for name, _ in found.whole_s.most_common() if name.startswith(OURS)][:SHOWN]
    tables = [table(head, [(name, _us(found.own_s[name], count), _us(found.whole_s[name], count)) for name in names]) for names in (own, whole)]
    total = f"In Python's threads: {_us(found.own_s.total(), count)} us/{unit}, what C code takes with the Python function that called it."
    return "\n\n".join([total, tables[0], "Foldstream's own, with what they call:", tables[1]])


def _us(seconds: float, commands: int) -> str:
    return f"{seconds / commands * 1e6:.1f}"


def _named(function: str) -> str:
    """Remove the directories above the package from a function's name."""
    return re.sub(r"^.*/(?:site-packages|lib/python[\d.]+)/|^.*/(?=(?:app|agents|tables|schemas|bench)/)", "", function)
