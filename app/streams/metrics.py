"""Metrics of a worker, counted per transaction and not per record. How they are exposed is not the runtime's concern."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Label = tuple[str, ...]
"""Name of the counter, then its labels."""


class Histogram:
    """Counts of values by upper bounds. The last count is of values above all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Count a value that occurred so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass
class WorkerMetrics:
    """Metrics of one worker. They are never reset."""

    counted: Counter[Label] = field(default_factory=Counter)
    """Commands (`commands`, aggregate, outcome), events (`events`, aggregate, type) and outcomes of sagas (`saga_transitions`, saga, status)."""
    parked: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Parked records of each open task, by topic and reason."""
    transactions: Counter[str] = field(default_factory=Counter)
    """Transactions by outcome: committed, refused, unknown."""
    latency_s: Histogram = field(default_factory=lambda: Histogram((0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)))
    """Time from the broker's append of a command to its commit."""
    transaction_s: Histogram = field(default_factory=lambda: Histogram((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12)))
    transaction_records: Histogram = field(default_factory=lambda: Histogram((1, 10, 50, 100, 250, 500, 1_000, 2_000)))
    recovery_s: Histogram = field(default_factory=lambda: Histogram((0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)))
    """Time from fencing until the task is ready."""
    view_recovery_s: Histogram = field(default_factory=lambda: Histogram((0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800)))
    """Time from the opening of a view until it has reached the ends that its topics had then."""

    clock_ahead_s: float = 0.0
    """Lead of this worker's clock over the brokers' when it last asked for the time; negative if it was behind."""

    def committed(self, labels: Iterable[Label], appended_ms: Iterable[int], records: int, now_s: float, took_s: float) -> None:
        """Count a committed transaction. `labels` were counted by its handlers, `appended_ms` are the append times of those of its `records` that have one."""
        self.counted.update(labels)
        for timestamp_ms, times in Counter(appended_ms).items():
            self.latency_s.add(max(0.0, now_s - timestamp_ms / 1000), times)
        self.transactions["committed"] += 1
        self.transaction_s.add(took_s)
        self.transaction_records.add(records)
