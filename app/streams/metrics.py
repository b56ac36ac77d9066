"""What a worker counts, per transaction and not per record; how it is shown is not the runtime's concern."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

Label = tuple[str, ...]
"""What is counted, then its labels."""


class Histogram:
    """Counts values by upper bounds; the last count is of those above all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Count a value that came so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass
class WorkerMetrics:
    """One worker's; nothing is ever reset."""

    counted: Counter[Label] = field(default_factory=Counter)
    """Commands (`commands`, aggregate, outcome), events (`events`, aggregate, type) and what sagas came to (`saga_transitions`, saga, status)."""
    parked: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Records that are parked, by topic and reason, of each task that is open."""
    transactions: Counter[str] = field(default_factory=Counter)
    """By outcome: committed, refused, unknown."""
    latency_s: Histogram = field(default_factory=lambda: Histogram((0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)))
    """From the broker's append time of a command to its commit."""
    transaction_s: Histogram = field(default_factory=lambda: Histogram((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 12)))
    transaction_records: Histogram = field(default_factory=lambda: Histogram((1, 10, 50, 100, 250, 500, 1_000, 2_000)))
    recovery_s: Histogram = field(default_factory=lambda: Histogram((0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)))
    """From the fence to readiness of a task."""
    view_recovery_s: Histogram = field(default_factory=lambda: Histogram((0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800)))
    """From the opening of a view to the ends that its topics had then."""

    clock_ahead_s: float = 0.0
    """How far this worker's clock was ahead of the brokers' when it last asked for the time; negative: behind."""

    def committed(self, labels: Iterable[Label], appended_ms: Iterable[int], records: int, now_s: float, took_s: float) -> None:
        """A transaction was committed: what its handlers counted, the append times of those of its records that have one, and how many there were."""
        self.counted.update(labels)
        for timestamp_ms, times in Counter(appended_ms).items():
            self.latency_s.add(max(0.0, now_s - timestamp_ms / 1000), times)
        self.transactions["committed"] += 1
        self.transaction_s.add(took_s)
        self.transaction_records.add(records)
