"""`make bench`: commands per second and CPU per command of a worker, and of the hand-written loop, in one run on one broker."""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.admin import apply
from app.kafka.embedded import EmbeddedKafka
from app.kernel.routing import partition_of
from app.settings import Settings
from bench.command import commands
from bench.loop import PARTITIONS

POLL_S = 0.1
GIVE_UP_S = 300.0

Start = Callable[[Settings], "subprocess.Popen[bytes]"]


def worker(settings: Settings) -> "subprocess.Popen[bytes]":
    """Foldstream's own worker."""
    names = ("broker", "datadir", "app_id", "topic_prefix", "replication", "partitions")
    environment = {f"FOLDSTREAM_{name.upper()}": str(getattr(settings, name)) for name in names}
    return _spawn(settings, [sys.executable, "-m", "app", "worker"], environment)


def loop(settings: Settings) -> "subprocess.Popen[bytes]":
    """The hand-written loop."""
    topics = [settings.topic("commands.order"), settings.topic("events.order"), settings.changelog]
    return _spawn(settings, [sys.executable, "-m", "bench.loop", settings.bootstrap, *topics, str(settings.datadir / "rows")], {})


def _spawn(settings: Settings, words: list[str], environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    settings.datadir.mkdir(parents=True, exist_ok=True)
    with (settings.datadir / "log").open("wb") as log:
        return subprocess.Popen(words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 (our own words)


async def fill(settings: Settings, count: int) -> None:
    """Create the topics and write the commands."""
    await apply(settings)
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, linger_ms=5, max_batch_size=1 << 18) as producer:
        for key, value in commands(count):
            await producer.send(settings.topic("commands.order"), value, key, partition=partition_of(key, PARTITIONS))
        await producer.flush()


async def measure(start: Start, settings: Settings, count: int) -> dict[str, float]:
    """Run an engine over all commands; between its first and its last events: commands/s, CPU microseconds per command."""
    await fill(settings, count)
    async with AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, isolation_level="read_committed") as consumer:
        process = start(settings)
        try:
            samples = await _samples(consumer, psutil.Process(process.pid), settings.topic("events.order"), count)
        finally:
            process.terminate()
            process.wait(20)
    (began_s, began_cpu_s, first), (ended_s, ended_cpu_s, last) = samples
    return {"commands_per_s": (last - first) / (ended_s - began_s), "worker_us_per_command": (ended_cpu_s - began_cpu_s) / (last - first) * 1e6}


async def _samples(consumer: AIOKafkaConsumer, process: psutil.Process, events: str, count: int) -> list[tuple[float, float, int]]:
    """(time, CPU seconds, offsets of events) when the first are visible, and when all are (markers have offsets too, so a little early)."""
    partitions = [TopicPartition(events, number) for number in range(PARTITIONS)]
    first: tuple[float, float, int] | None = None
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        seen = sum((await consumer.end_offsets(partitions)).values())
        times = process.cpu_times()
        sample = (time.monotonic(), times.user + times.system, seen)
        first = first or (sample if seen else None)
        if first and seen >= count:
            return [first, sample]
        await asyncio.sleep(POLL_S)
    message = f"only {seen} of {count} events after {GIVE_UP_S:.0f} s"
    raise TimeoutError(message)


def main() -> None:
    """Print a table of this run."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--commands", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--port", type=int, default=29_192, help="of the broker that the run starts; the next one is its controller's")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kafka = EmbeddedKafka(Path(folder), chosen.port)
        kafka.start(print)
        try:
            _table(kafka.bootstrap, Path(folder), chosen.commands, chosen.repeat)
        finally:
            kafka.stop()


def _table(bootstrap: str, folder: Path, count: int, repeat: int) -> None:
    print(f"{count} PlaceOrder commands of 689 bytes, {PARTITIONS} partitions, worker and broker on {os.cpu_count()} cores")
    for turn in range(repeat):
        for name, start in (("hand-written loop", loop), ("foldstream worker", worker)):
            run = f"{start.__name__}{turn}"
            settings = Settings(broker=bootstrap, datadir=folder / run, app_id=run, topic_prefix=f"{run}.", partitions=PARTITIONS, replication=1)
            figures = asyncio.run(measure(start, settings, count))
            print(f"{name}  {figures['commands_per_s']:8.0f} commands/s  {figures['worker_us_per_command']:6.1f} us CPU per command", flush=True)


if __name__ == "__main__":
    main()
