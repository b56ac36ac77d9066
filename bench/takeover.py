"""Take-over of a partition: time from its assignment to the log line that says its task is open.

Both times are in the worker's log, to the millisecond. The group's time to assign is not included: after a crash, it is the session time-out.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from app.settings import Settings
from bench.command import place
from bench.engine import WORKER, Running
from bench.figures import table
from bench.memory import Memory, memory
from bench.meter import Meter
from bench.place import Place, machine, say

OPEN_WITHIN_S = 300.0
ASSIGNED, OPEN, VIEW_OPEN = r"generation \d+: partitions \[", "task 0 is open", "view 0 is open"
"""Patterns of lines in the worker's log."""

HEAD = ("take-over", "task open, s", "rows/s", "view open, s", "RSS then, MB")


class TakenOver(NamedTuple):
    """Seconds from the assignment until the partition's write task and view task served, and the worker's memory then."""

    task_s: float
    view_s: float
    memory: Memory


def run(place: Place, aggregates: int) -> None:
    """Fill one partition, then measure its take-over from a disk after a crash, from a disk after a clean stop, and from an empty disk."""
    with filled(place, aggregates) as settings:
        rows = place.ends(settings.changelog, 1)
        crashed = _taken_over(settings, "the disk that kill -9 left")
        clean = _taken_over(settings, "the disk that a clean stop left")
        shutil.rmtree(settings.datadir)
        empty = _taken_over(settings, "an empty disk")
    table_rows = [
        ("after kill -9, disk there", *_cells(crashed, None)),
        ("after a clean stop, disk there", *_cells(clean, None)),
        ("from an empty disk", *_cells(empty, rows)),
    ]
    about = f"Take-over of one partition with {aggregates:,} orders, {rows:,} records in its changelog, {machine()}"
    print("\n".join(["", about, "", table(HEAD, table_rows)]), flush=True)


@contextmanager
def filled(there: Place, aggregates: int) -> Iterator[Settings]:
    """Provide an environment of one partition with this number of orders, whose worker was killed as soon as it had placed all."""
    with there.fresh("takeover", partitions=1) as settings:
        say(f"take-over: placing {aggregates:,} orders in one partition")
        there.fill(settings, place(range(aggregates)))
        with Running(WORKER, settings) as running:
            Meter(there, settings, running).window(aggregates)
            running.kill()
        yield settings


def _taken_over(settings: Settings, what: str) -> TakenOver:
    say(f"take-over: from {what}")
    with Running(WORKER, settings) as running:
        for line in (OPEN, VIEW_OPEN):
            running.until_said(line, OPEN_WITHIN_S)
        assigned_s, task_s, view_s = (running.said_at(line)[0] for line in (ASSIGNED, OPEN, VIEW_OPEN))
        return TakenOver(task_s - assigned_s, view_s - assigned_s, memory(running))


def _cells(taken: TakenOver, rows: int | None) -> tuple[str, ...]:
    rate = "" if rows is None else f"{rows / taken.task_s:,.0f}"
    return f"{taken.task_s:.2f}", rate, f"{taken.view_s:.2f}", f"{taken.memory.resident_mb:.0f}"
