"""A task whose aggregate sets timers, and a clock that a test moves: the brokers', as ticks say it."""

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
    """Stands still until it is moved (milliseconds)."""

    def __init__(self) -> None:
        self.at_ms = 0

    def __call__(self) -> int:
        """What time it is."""
        return self.at_ms


class Sleeping(Counting):
    """Counts its wakings, too. A command that ends in b" at N" sets the timer of its key, b"cancel" cancels it."""

    def __init__(self, settings: Settings, fingerprint: str) -> None:
        super().__init__(settings, fingerprint)
        self.sleepers = {self.agent: self}
        self.then: dict[str, Callable[[], None]] = {}
        """What a key does at the end of its waking."""
        self.writes: dict[str, int] = {}
        """How many bytes a key writes when it is woken."""
        self.awaited: dict[str, Sequence[TopicPartition]] = {}
        """Where the commands are whose answers a key waits for."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Set or cancel the timer, and count what is left of the command."""
        assert record.key is not None
        assert record.value is not None
        value, _, at = record.value.partition(b" at ")
        if at:
            set_timer(self.agent, record.key.decode(), int(at))
        if value == b"cancel":
            cancel_timer(self.agent, record.key.decode())
        super().__call__(replace(record, value=value))

    def awaits(self, key: str) -> Sequence[TopicPartition]:
        """As the test says."""
        return self.awaited.get(key, ())

    def wake(self, key: str, due_ms: int, now_ms: int) -> None:
        """Count, and say for which due time."""
        assert due_ms <= now_ms
        count = (self.counts.get(key) or 0) + 1
        self.counts[key] = count
        emit(self.events, key.encode(), json.dumps({"version": count, "due": due_ms, "padding": "x" * self.writes.get(key, 0)}).encode())
        self.then.get(key, lambda: None)()

    def asleep(self, store: StateStore) -> Iterator[tuple[str, int]]:
        """Who was counted once, until 1,000."""
        return ((key, 1_000) for key, count in self.counts.rows(store) if count == 1)


class TimerHarness(Harness):
    """Tasks that stand on one clock: the inbox has senders' timestamps, so that a test can say what the brokers' time is."""

    aggregate = Sleeping

    def __init__(self, bootstrap: str, directory: Path, clock: Clock) -> None:
        super().__init__(bootstrap, directory)
        self.clock = clock

    async def wakings(self) -> list[tuple[str, int]]:
        """Who was woken for which due time, in the order of the log."""
        events = [(record.key.decode(), json.loads(record.value)) for record in await self.records(self.settings.topic("events.count"))]
        return [(key, event["due"]) for key, event in events if "due" in event]

    async def move(self, opened: Opened, to_ms: int) -> None:
        """It is later now, and the task, which knew what time it was, looks."""
        await until_asked(opened)
        self.clock.at_ms = to_ms
        opened.task._queue.wake()  # noqa: SLF001 (in the place of time that passes)


def fail() -> None:
    """Raise."""
    raise ValueError("asked to")


def sleeping(opened: Opened) -> Sleeping:
    """The aggregate of a task."""
    assert isinstance(opened.counting, Sleeping)
    return opened.counting


def asleep(opened: Opened) -> dict[str, int]:
    """The committed timers: until when who sleeps."""
    return {timer.partition("\0")[2]: due_ms for timer, due_ms in open_timers(opened.store)}


async def hear_until(opened: Opened, condition: Callable[[], bool]) -> None:
    """Hand over what lies in the inbox, ticks among it, until the condition holds."""
    async with asyncio.timeout(WITHIN_S):
        while not (opened.task.ready.is_set() and condition()):
            await opened.pump()


async def until_rows(opened: Opened, **counts: int) -> None:
    """The same, until these are the committed counts."""
    await hear_until(opened, lambda: opened.rows() == counts)


async def until_asked(opened: Opened) -> None:
    """The same, until all is heard, and the task knows what time it is and has nothing to do before it is later."""
    await opened.pump()
    await hear_until(opened, lambda: not waits_for_time(opened))


def waits_for_time(opened: Opened) -> bool:
    """True while the task has to ask for the time, or to hear it."""
    alarms = opened.task._alarms  # noqa: SLF001 (it looks inside)
    assert alarms is not None, "the task is open"
    return alarms._ticks.awaited or alarms.due()  # noqa: SLF001 (as above)


async def ticks(harness: Harness) -> int:
    """How many ticks lie in the inbox."""
    return sum(record.key is None for record in await harness.records(harness.commands))
