"""Where a worker's CPU time goes, by function: what it takes itself, and with all that it calls."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from bench.command import place
from bench.engine import SAMPLED, Running, samples
from bench.figures import Sample, cost, other_load, table
from bench.meter import Meter
from bench.place import PARTITIONS, Place, machine, say

SHOWN = 30
HEAD_SELF = ("function", "itself, us/command", "with callees, us/command")

Stack = list[str]
"""Functions as `file:name`, from inside out."""


class Spent(NamedTuple):
    """CPU seconds by function: in itself (and the C code it calls), and with all that it calls."""

    own_s: Counter[str]
    whole_s: Counter[str]


def run(there: Place, commands: int) -> None:
    """Print the functions that take most by themselves, then those of Foldstream that take most with what they call."""
    say(f"profile: a sampled worker, {commands:,} commands")
    with there.fresh("profile") as settings:
        there.fill(settings, place(range(commands)))
        with Running(SAMPLED, settings) as running:
            window = Meter(there, settings, running).window(commands)
        stacks = read(samples(settings), *window)
        print(_report(spent(stacks), *window), flush=True)


def read(path: Path, first: Sample, last: Sample) -> list[tuple[float, Stack]]:
    """The CPU seconds and stacks that were sampled between two looks at the run."""
    decode = msgspec.json.Decoder(tuple[float, float, Stack]).decode
    taken = (decode(line) for line in path.read_bytes().splitlines())
    return [(used_s, [_named(each) for each in stack]) for at_s, used_s, stack in taken if first.at_s <= at_s <= last.at_s]


def spent(stacks: Iterable[tuple[float, Stack]]) -> Spent:
    """The sum of all samples; a function that is on a stack more than once counts once."""
    found = Spent(Counter(), Counter())
    for used_s, stack in stacks:
        found.own_s[stack[0]] += used_s  # type: ignore[assignment]  # a Counter of seconds
        for function in set(stack):
            found.whole_s[function] += used_s  # type: ignore[assignment]  # as above
    return found


def _report(found: Spent, first: Sample, last: Sample) -> str:
    commands = last.visible - first.visible
    seen = cost(first, last, commands)
    about = (
        f"Profile: {commands:,} PlaceOrder commands of 689 bytes, {PARTITIONS} partitions, {machine()}; "
        f"{seen.worker_us:.1f} us CPU per command, of which {_us(found.own_s.total(), commands)} in Python's threads; other load {other_load(seen)} cores"
    )
    rows = [(name, _us(own_s, commands), _us(found.whole_s[name], commands)) for name, own_s in found.own_s.most_common(SHOWN)]
    ours = [(name, whole_s) for name, whole_s in found.whole_s.most_common() if name.startswith(("app/", "agents/", "tables/"))]
    calls = [(name, _us(found.own_s[name], commands), _us(whole_s, commands)) for name, whole_s in ours[:SHOWN]]
    return "\n".join(["", about, "", table(HEAD_SELF, rows), "", "Foldstream's own, with what they call:", "", table(HEAD_SELF, calls)])


def _us(seconds: float, commands: int) -> str:
    return f"{seconds / commands * 1e6:.1f}"


def _named(function: str) -> str:
    """Without the directories above the package."""
    return re.sub(r"^.*/(?:site-packages|lib/python[\d.]+)/|^.*/(?=(?:app|agents|tables|schemas|bench)/)", "", function)
