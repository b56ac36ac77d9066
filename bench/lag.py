"""Lag of a worker, sampled from its metric `foldstream_lag_records`."""

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench.engine import Running
from bench.told import Labels, Told

EVERY_S = 5.0
"""Interval of the samples (seconds). A worker asks the broker as often."""


class Lag(NamedTuple):
    """Samples of the records that one side had not processed yet, over all its topics and partitions. Commit markers count as records."""

    side: str
    records: Sequence[float]

    def cells(self) -> tuple[str, ...]:
        """Return the cells of a table: the name, then first, median, largest and last sample."""
        found = self.records[0], median(self.records), max(self.records), self.records[-1]
        return self.side, *(f"{each:,.0f}" for each in found)


def sampled(running: Running, told: Told, seconds: int) -> list[Lag]:
    """Sample the lag of the write side and of the views for this time."""
    until_s, writing, viewing = time.monotonic() + seconds, list[float](), list[float]()
    while time.monotonic() < until_s:
        time.sleep(EVERY_S)
        running.require()
        writing.append(told.total("foldstream_lag_records", _is_write))
        viewing.append(told.total("foldstream_lag_records", lambda labels: not _is_write(labels)))
    return [Lag("commands and saga", writing), Lag("views", viewing)]


def _is_write(labels: Labels) -> bool:
    """Return True for a topic that the write side reads."""
    return "commands." in labels["topic"] or "saga." in labels["topic"]
