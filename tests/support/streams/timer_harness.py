"""Task whose aggregate sets timers, and a clock for the brokers' time, which ticks carry. The test moves the clock."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from aiokafka import ConsumerRecord, TopicPartition

from app.settings import Settings
from app.streams.processing.context import emit
from app.streams.state.store import StateStore
from app.streams.timers.timers import cancel_timer, open_timers, set_timer
from tests.support.streams.harness import Counting, Harness, Opened

WITHIN_S = 60


class Clock:
    """Clock that stands still until the test moves it (milliseconds)."""

    def __init__(self) -> None:
        self.at_ms = 0

    def __call__(self) -> int:
        """Return the time."""
        return self.at_ms


class Sleeping(Counting):
    """Aggregate that also counts its fired timers. A command that ends in b" at N" sets the timer of its key, b"cancel" cancels it."""

    def __init__(self, settings: Settings, fingerprint: str) -> None:
        super().__init__(settings, fingerprint)
        self.sleepers = {self.agent: self}
        self.then: dict[str, Callable[[], None]] = {}
        """Functions by key, called at the end of its timer handler."""
        self.writes: dict[str, int] = {}
        """Number of bytes that a key's timer handler writes."""
        self.awaited: dict[str, Sequence[TopicPartition]] = {}
        """Partitions with the commands whose answers a key waits for."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Set or cancel the timer, and count the rest of the command."""
        assert record.key is not None
        assert record.value is not None
        value, _, at = record.value.partition(b" at ")
        if at:
            set_timer(self.agent, record.key.decode(), int(at))
        if value == b"cancel":
            cancel_timer(self.agent, record.key.decode())
        super().__call__(replace(record, value=value))

    def awaits(self, key: str) -> Sequence[TopicPartition]:
        """Return the partitions that the test has set."""
        return self.awaited.get(key, ())

    def wake(self, key: str, due_ms: int, now_ms: int) -> None:
        """Count, and write the due time."""
        assert due_ms <= now_ms
        count = (self.counts.get(key) or 0) + 1
        self.counts[key] = count
        emit(self.events, key.encode(), json.dumps({"version": count, "due": due_ms, "padding": "x" * self.writes.get(key, 0)}).encode())
        self.then.get(key, lambda: None)()

    def asleep(self, store: StateStore) -> Iterator[tuple[str, int]]:
        """Return a timer due at 1,000 for each key that was counted once."""
        return ((key, 1_000) for key, count in self.counts.rows(store) if count == 1)


class TimerHarness(Harness):
    """Tasks with one clock. The inbox keeps its senders' timestamps, so that a test sets the brokers' time."""

    aggregate = Sleeping

    def __init__(self, bootstrap: str, directory: Path, clock: Clock) -> None:
        super().__init__(bootstrap, directory)
        self.clock = clock

    async def wakings(self) -> list[tuple[str, int]]:
        """Return the fired timers with their due times, in the order of the log."""
        events = [(record.key.decode(), json.loads(record.value)) for record in await self.records(self.settings.topic("events.count"))]
        return [(key, event["due"]) for key, event in events if "due" in event]

    async def move(self, opened: Opened, to_ms: int) -> None:
        """Move the clock, once the task has learned the time, and make the task look at it."""
        await until_asked(opened)
        self.clock.at_ms = to_ms
        opened.task._queue.wake()  # noqa: SLF001 (in the place of time that passes)


def fail() -> None:
    """Raise ValueError."""
    raise ValueError("asked to")


def sleeping(opened: Opened) -> Sleeping:
    """Return the aggregate of a task."""
    assert isinstance(opened.counting, Sleeping)
    return opened.counting


def asleep(opened: Opened) -> dict[str, int]:
    """Return the committed timers with their due times."""
    return {timer.partition("\0")[2]: due_ms for timer, due_ms in open_timers(opened.store)}


async def hear_until(opened: Opened, condition: Callable[[], bool]) -> None:
    """Process the inbox, ticks included, until the condition holds."""
    async with asyncio.timeout(WITHIN_S):
        while not (opened.task.ready.is_set() and condition()):
            await opened.pump()


async def until_rows(opened: Opened, **counts: int) -> None:
    """Process the inbox until these are the committed counts."""
    await hear_until(opened, lambda: opened.rows() == counts)


async def until_asked(opened: Opened) -> None:
    """Process the inbox until it is empty, and the task knows the time and has nothing to do until later."""
    await opened.pump()
    await hear_until(opened, lambda: not waits_for_time(opened))


def waits_for_time(opened: Opened) -> bool:
    """Return True while the task has to ask for the time, or waits for it."""
    alarms = opened.task._alarms  # noqa: SLF001 (it looks inside)
    assert alarms is not None, "the task is open"
    return alarms._ticks.awaited or alarms.due()  # noqa: SLF001 (as above)


async def ticks(harness: Harness) -> int:
    """Return the number of ticks in the inbox."""
    return sum(record.key is None for record in await harness.records(harness.commands))
