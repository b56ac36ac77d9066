"""Throughput and CPU per command of the worker, with and without read models, and of the hand-written loops, in turns on one broker."""

from collections.abc import Mapping, Sequence

from bench.command import place
from bench.engine import LOOP, SAME, WORKER, WRITTEN, Engine, Running
from bench.figures import Cost, middle, other_load, table
from bench.meter import Meter
from bench.place import PARTITIONS, Place, machine, say

HEAD = ("engine", "commands/s", "worker us/command", "broker us/command", "other load, cores")

ENGINES = (LOOP, SAME, WRITTEN, WORKER)


def run(place: Place, commands: int, repeat: int) -> None:
    """Print each run as it ends, then the medians and the worker's throughput relative to each loop."""
    costs: dict[str, list[Cost]] = {engine.name: [] for engine in ENGINES}
    for turn in range(repeat):
        for engine in ENGINES:
            say(f"throughput {turn + 1}/{repeat}: {engine.name}, {commands:,} commands")
            costs[engine.name].append(_measure(place, engine, commands, turn))
            say("  " + "  ".join(_cells(costs[engine.name][-1])))
    print(_report(costs, commands, repeat), flush=True)


def _measure(there: Place, engine: Engine, commands: int, turn: int) -> Cost:
    with there.fresh(f"throughput-{engine.short}-{turn}") as settings:
        there.fill(settings, place(range(commands)))
        with Running(engine, settings) as running:
            return Meter(there, settings, running).cost(commands)


def _report(costs: Mapping[str, Sequence[Cost]], commands: int, repeat: int) -> str:
    middles = {name: middle(each) for name, each in costs.items()}
    shares = [f"{ours.name} does {_share(middles, ours, loop):.2f} of {loop.name}" for ours in (WRITTEN, WORKER) for loop in (LOOP, SAME)]
    about = f"Throughput: median of {repeat} runs of {commands:,} PlaceOrder commands of 689 bytes, {PARTITIONS} partitions, {machine()}"
    return "\n".join(["", about, "", table(HEAD, [(name, *_cells(each)) for name, each in middles.items()]), "", *shares])


def _share(costs: Mapping[str, Cost], ours: Engine, loop: Engine) -> float:
    return costs[ours.name].commands_per_s / costs[loop.name].commands_per_s


def _cells(cost: Cost) -> tuple[str, str, str, str]:
    return f"{cost.commands_per_s:,.0f}", f"{cost.worker_us:.1f}", f"{cost.broker_us:.1f}", other_load(cost)
