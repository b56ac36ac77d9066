"""Rolling restart of four workers with ids under load: the pause of each partition, next to the start time of a process.

Measured from outside: a partition pauses while a read_committed consumer receives none of its events, although commands arrive all the time.
"""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median

from confluent_kafka import OFFSET_END, Consumer, TopicPartition

from app.settings import Settings
from bench.engine import WORKER, Running
from bench.figures import table
from bench.many import OPENED
from bench.place import Place, client, machine, say

WORKERS, PARTITIONS, PER_SECOND = 4, 8, 500
LOAD_S = 600
"""Longest duration of the load, whatever happens (seconds)."""

SETTLE_S = 5.0
"""Pause between two restarts (seconds)."""

SERVES_S = 120.0
SESSION_S = 30.0
"""Session time-out (seconds). It is longer than a restart, so that no other worker gets the partitions of the one that restarts."""

HEAD = ("partition", "longest without an event, s", "of a process start")


def run(there: Place) -> None:
    """Print the longest pause of each partition, and its ratio to the start time of a process."""
    with there.fresh("rolling", partitions=PARTITIONS) as settings, ExitStack() as stack:
        say(f"rolling: {WORKERS} workers, {PARTITIONS} partitions, {PER_SECOND:,} commands/s")
        for_each = [_own(settings, number) for number in range(WORKERS)]
        workers = [stack.enter_context(Running(WORKER, own)) for own in for_each]
        for worker in workers:
            worker.until_said(OPENED, SERVES_S, times=PARTITIONS // WORKERS)
        with _load(settings), _pauses(there, settings) as pauses_s:
            starts_s = [_restarted(stack, worker, own) for worker, own in zip(workers, for_each, strict=True)]
            time.sleep(SETTLE_S)
    _print(pauses_s, median(starts_s))


def _print(pauses_s: Mapping[int, float], start_s: float) -> None:
    rows = [(str(partition), f"{pause_s:.2f}", f"{pause_s / start_s:.2f}") for partition, pause_s in sorted(pauses_s.items())]
    about = f"Rolling restart of {WORKERS} workers under {PER_SECOND:,} commands/s; a process start took {start_s:.2f} s (median), {machine()}"
    print("\n".join(["", about, "", table(HEAD, rows)]), flush=True)


def _own(settings: Settings, number: int) -> Settings:
    name = f"worker-{number}"
    return settings.model_copy(update={"worker_id": name, "session_timeout_s": SESSION_S, "datadir": settings.datadir / name})


def _restarted(stack: ExitStack, worker: Running, own: Settings) -> float:
    """Restart a worker and return the time until the new process serves HTTP, before it has any partition (seconds)."""
    time.sleep(SETTLE_S)
    say(f"rolling: restarting {own.worker_id}")
    worker.stop()
    began_s = time.monotonic()
    started = stack.enter_context(Running(WORKER, own))
    took_s = started.until_said("HTTP at", SERVES_S) - began_s
    started.until_said(OPENED, SERVES_S, times=PARTITIONS // WORKERS)
    return took_s


@contextmanager
def _load(settings: Settings) -> Iterator[None]:
    words = ["-m", "bench.load", settings.bootstrap, settings.topic("commands.order"), str(PER_SECOND), str(LOAD_S)]
    with subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, start_new_session=True) as process:  # noqa: S603 (our own words)
        try:
            yield
        finally:
            process.terminate()


@contextmanager
def _pauses(there: Place, settings: Settings) -> Iterator[Mapping[int, float]]:
    """Measure the longest time between two events of each partition (seconds). The result is complete when the block ends."""
    pauses_s: dict[int, float] = {}
    enough = threading.Event()
    watching = threading.Thread(target=_watch, args=(there, settings, pauses_s, enough), name="watching events")
    watching.start()
    try:
        yield pauses_s
    finally:
        enough.set()
        watching.join()


def _watch(there: Place, settings: Settings, pauses_s: dict[int, float], enough: threading.Event) -> None:
    consumer = Consumer({**client(there.bootstrap), "group.id": "bench", "enable.auto.commit": False, "isolation.level": "read_committed"})
    consumer.assign([TopicPartition(settings.topic("events.order"), number, OFFSET_END) for number in range(PARTITIONS)])
    last_s: dict[int, float] = {}
    while not enough.is_set():
        message, now_s = consumer.poll(0.1), time.monotonic()
        partition = message.partition() if message is not None and not message.error() else None
        if partition is not None:
            pauses_s[partition] = max(pauses_s.get(partition, 0.0), now_s - last_s.get(partition, now_s))
            last_s[partition] = now_s
    consumer.close()
