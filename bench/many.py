"""One worker with many partitions: time from the assignment until every task and every view serves, and memory then."""

from app.settings import Settings
from bench.command import place
from bench.engine import WORKER, Running
from bench.figures import table
from bench.memory import Memory, memory
from bench.meter import Meter
from bench.place import Place, machine, say
from bench.takeover import ASSIGNED, OPEN_WITHIN_S

ORDERS_EACH = 1_000
"""Number of orders in each partition."""

OPENED = r"(?:task|view) \d+ is open"
HEAD = ("disks", "all open, s after assignment", "RSS MB", "of its own MB", "peak MB")


def run(there: Place, partitions: int) -> None:
    """Print time and memory with the disks that a clean stop left, and with those that a kill left."""
    with there.fresh("many", partitions=partitions) as settings:
        say(f"partitions: placing {ORDERS_EACH * partitions:,} orders in {partitions} partitions")
        there.fill(settings, place(range(ORDERS_EACH * partitions)))
        with Running(WORKER, settings) as running:
            Meter(there, settings, running).window(ORDERS_EACH * partitions)
        rows = [_opened(settings, "as a clean stop left them", kill=True), _opened(settings, "as kill -9 left them", kill=False)]
    about = f"One worker with {partitions} partitions of {ORDERS_EACH:,} orders, all agents, {machine()}"
    print("\n".join(["", about, "", table(HEAD, rows)]), flush=True)


def _opened(settings: Settings, disks: str, *, kill: bool) -> tuple[str, ...]:
    say(f"partitions: from disks {disks}")
    with Running(WORKER, settings) as running:
        running.until_said(OPENED, OPEN_WITHIN_S, times=2 * settings.partitions)
        took_s = max(running.said_at(OPENED)) - running.said_at(ASSIGNED)[0]
        seen = memory(running)
        if kill:
            running.kill()
    return _cells(disks, took_s, seen)


def _cells(disks: str, took_s: float, seen: Memory) -> tuple[str, ...]:
    return disks, f"{took_s:.2f}", *(f"{each:.0f}" for each in seen)
