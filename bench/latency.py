"""Latency under a steady load: from when a command was due until a read_committed consumer receives its event."""

import subprocess
import sys
import time
from contextlib import closing
from typing import NamedTuple

import psutil
from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from app.settings import Settings
from bench.command import place_as
from bench.engine import LOOP, SAME, WORKER, Engine, Failed, Running
from bench.figures import Cost, cost, other_load, percentile, table
from bench.load import due_ns_of
from bench.meter import Meter
from bench.place import PARTITIONS, Place, client, machine, say

WARM_S = 5
PER_SECOND = 1_000
PATIENCE_S = 30.0
"""Timeout for the next event (seconds). Without an event for this long, the engine has failed."""

HEAD = ("engine", "p50 ms", "p99 ms", "max ms", "commands sent late", "worker us/command", "other load, cores")


class Seen(NamedTuple):
    """Measurement of one load: sorted latencies in milliseconds, number of commands that the load sent late, and cost."""

    ordered_ms: list[float]
    late: int
    cost: Cost


def run(place: Place, seconds: int) -> None:
    """Print a table of all engines."""
    rows = [_row(engine, _measure(place, engine, seconds)) for engine in (LOOP, SAME, WORKER)]
    about = f"Latency: {PER_SECOND:,} commands/s for {seconds} s after {WARM_S} s that do not count, {PARTITIONS} partitions, {machine()}"
    print("\n".join(["", about, "", table(HEAD, rows)]), flush=True)


def _measure(there: Place, engine: Engine, seconds: int) -> Seen:
    say(f"latency: {engine.name}, {PER_SECOND:,} commands/s for {WARM_S} + {seconds} s")
    with there.fresh(f"latency-{engine.short}") as settings, Running(engine, settings) as running, closing(consumer(there, settings)) as events:
        there.fill(settings, [place_as(f"{0:019d}-{0:016d}", 0)])
        next_event(events)
        return _observe(Meter(there, settings, running), events, settings, seconds)


def _observe(meter: Meter, events: Consumer, settings: Settings, seconds: int) -> Seen:
    load = [sys.executable, "-m", "bench.load", settings.bootstrap, settings.topic("commands.order"), str(PER_SECOND), str(WARM_S + seconds)]
    with subprocess.Popen(load, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:  # noqa: S603 (our own words)
        meter.own.append(psutil.Process(process.pid))
        try:
            for _ in range(PER_SECOND * WARM_S):
                next_event(events)
            first = meter.sample()
            ordered_ms = sorted(_latency_ms(events) for _ in range(PER_SECOND * seconds))
            last = meter.sample()  # before waiting for the load, because its CPU time comes from its process
            late = int(process.communicate()[0])
        except BaseException:
            process.terminate()
            raise
    return Seen(ordered_ms, late, cost(first, last, len(ordered_ms)))


def consumer(there: Place, settings: Settings) -> Consumer:
    """Create a read_committed consumer of the orders' events from the beginning."""
    made = Consumer({**client(there.bootstrap), "group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed"})
    made.assign([TopicPartition(settings.topic("events.order"), number, OFFSET_BEGINNING) for number in range(PARTITIONS)])
    return made


def next_event(events: Consumer) -> Message:
    """Return the next event. Raises Failed if none comes in time."""
    message = events.poll(PATIENCE_S)
    if message is None or message.error():
        raise Failed(f"no event within {PATIENCE_S:.0f} s: {message and message.error()}")
    return message


def _latency_ms(events: Consumer) -> float:
    due_ns = due_ns_of(next_event(events).key() or b"")
    return (time.time_ns() - due_ns) / 1e6


def _row(engine: Engine, seen: Seen) -> tuple[str, ...]:
    percentiles = [percentile(seen.ordered_ms, share) for share in (0.5, 0.99, 1.0)]
    return engine.name, *(f"{each:.0f}" for each in percentiles), str(seen.late), f"{seen.cost.worker_us:.0f}", other_load(seen.cost)
