"""How far a worker is behind, as it tells itself (`foldstream_lag_records`), again and again."""

import time
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench.engine import Running
from bench.told import Labels, Told

EVERY_S = 5.0
"""As often as a worker asks the broker."""


class Lag(NamedTuple):
    """Samples of records that one side had not processed yet, of all its topics and partitions; commit markers count as records."""

    side: str
    records: Sequence[float]

    def cells(self) -> tuple[str, ...]:
        """Its name; first, median, largest and last."""
        found = self.records[0], median(self.records), max(self.records), self.records[-1]
        return self.side, *(f"{each:,.0f}" for each in found)


def sampled(running: Running, told: Told, seconds: int) -> list[Lag]:
    """That of the write side and that of the views for so long."""
    until_s, writing, viewing = time.monotonic() + seconds, list[float](), list[float]()
    while time.monotonic() < until_s:
        time.sleep(EVERY_S)
        running.require()
        writing.append(told.total("foldstream_lag_records", _is_write))
        viewing.append(told.total("foldstream_lag_records", lambda labels: not _is_write(labels)))
    return [Lag("commands and saga", writing), Lag("views", viewing)]


def _is_write(labels: Labels) -> bool:
    """True for what the write side reads."""
    return "commands." in labels["topic"] or "saga." in labels["topic"]
