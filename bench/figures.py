"""Figures from samples: percentiles, medians and tables. Pure functions."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

CONTAMINATED_CORES = 0.2
"""Other load above which a run was not alone on the machine (cores)."""


BUSY = 0.9
"""Share of a core's time from which the core counts as busy."""


class Sample(NamedTuple):
    """Sample of a run: CPU seconds used so far by each part, and the number of visible events, including commit markers."""

    at_s: float
    worker_s: float
    broker_s: float
    bench_s: float
    machine_s: float
    visible: int


class Cost(NamedTuple):
    """Cost of commands between two samples.

    CPU is in microseconds per command. `other_cores` is the load by processes other than worker, broker and bench.
    """

    commands_per_s: float
    worker_us: float
    broker_us: float
    other_cores: float


def cost(first: Sample, last: Sample, commands: int) -> Cost:
    """Return the cost of `commands` that were processed from `first` to `last`."""
    took_s = last.at_s - first.at_s
    worker_s, broker_s = last.worker_s - first.worker_s, last.broker_s - first.broker_s
    return Cost(commands / took_s, worker_s / commands * 1e6, broker_s / commands * 1e6, (_other_s(last) - _other_s(first)) / took_s)


def _other_s(sample: Sample) -> float:
    return sample.machine_s - sample.worker_s - sample.broker_s - sample.bench_s


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the median of each figure."""
    return Cost(*(median(figures) for figures in zip(*costs, strict=True)))


def other_load(cost: Cost) -> str:
    """Format the other load in cores, marked with (!) if the run was not alone on the machine."""
    return f"{cost.other_cores:.2f}{' (!)' if cost.other_cores > CONTAMINATED_CORES else ''}"


def bottleneck(cost: Cost, cores: int) -> str:
    """Name the bottleneck of a run by the CPU that worker and broker used. Python runs on one core."""
    worker, broker = (cost.commands_per_s * each / 1e6 for each in (cost.worker_us, cost.broker_us))
    used = f"the worker used {worker:.2f} cores, the broker {broker:.2f}, all else {cost.other_cores:.2f}"
    if worker > BUSY:
        return f"the worker's one core ({used})"
    if worker + broker + cost.other_cores > BUSY * cores:
        return f"the machine, whose cores were all busy ({used})"
    return f"no CPU, but waiting ({used})"


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest of the ordered values that at least this share of them does not exceed (nearest rank)."""
    assert ordered, "there are values"
    assert 0 < share <= 1, "a share of them"
    return ordered[-int(-share * len(ordered) // 1) - 1]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Format a Markdown table with aligned columns, the first to the left and all others to the right."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_line(cells, widths) for cells in (head, rule, *rows))


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    aligned = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True))]
    return f"| {' | '.join(aligned)} |"
