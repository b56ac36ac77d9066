"""Scenarios of the guarantees about timers, on a real broker. `test_timer_controls.py` repeats them with the mechanism switched off."""

from time import time

import pytest
from aiokafka import TopicPartition

from app import clock
from app.streams.parking import guard as intake
from app.streams.processing.record_queue import RecordBatch
from app.streams.timers import backoff as setbacks
from tests.support.streams.harness import Harness, Opened
from tests.support.streams.scenarios import stop_at
from tests.support.streams.timer_harness import WITHIN_S, TimerHarness, asleep, fail, hear_until, sleeping, until_asked, until_rows
from tests.support.waiting import until

KEYS = 7

HALF_AN_HOUR_MS = 1_800_000


async def woken_in_the_middle(timed: TimerHarness, step: str, *, calls: int, after: bool) -> None:
    """Close a task at one step of the transaction that fires timers, and lose its disk. Each timer fires exactly once all the same."""
    keys = [f"k{number}" for number in range(KEYS)]
    opened = await timed.open()
    await timed.send(*[(key, b" at 0") for key in keys])
    with pytest.MonkeyPatch.context() as patch:
        reached = stop_at(patch, step, after=after, calls=calls)
        await hear_until(opened, reached.is_set)
        await opened.task.close()
    await _ends_with_one_more(await timed.open(worker="successor"), **dict.fromkeys(keys, 2))


async def due_while_nobody_was_there(timed: TimerHarness) -> None:
    """Close a task until its timer is due. The next incarnation fires it at once, before later timers."""
    opened = await timed.open()
    await timed.send(("a", b" at 1000"))
    await opened.pump()
    await opened.task.close()
    timed.clock.at_ms = 2_000
    await _ends_with_one_more(await timed.open(), a=2)


async def opened_after_waking(timed: TimerHarness) -> None:
    """Restart a task after its timer has fired. The timer does not fire again."""
    opened = await timed.open()
    await timed.send(("a", b" at 0"))
    await opened.pump()
    await until_rows(opened, a=2)
    await opened.task.close()
    await _ends_with_one_more(await timed.open(), a=2)


async def many_beside_commands(timed: TimerHarness) -> None:
    """Let two hundred timers become due as two hundred commands arrive, twenty to a transaction. The log has them in turns."""
    opened, numbers = await timed.open(), range(200)
    await timed.send(*[(f"s{number}", b" at 1000") for number in numbers])
    await timed.move(opened, 1_000)
    await until(lambda: opened.task._alarms._ticks.awaited, WITHIN_S)  # type: ignore[union-attr]  # noqa: SLF001 (the task is open)
    await timed.send(*[(f"c{number}", b"") for number in numbers])
    commands = RecordBatch(timed.commands, 0, opened.task.opening, await timed.records(timed.commands, opened.position))
    try:
        with pytest.MonkeyPatch.context() as patch:
            for module, limited in ((intake, opened.task._intake), (setbacks, opened.task._setbacks)):  # noqa: SLF001 (the scenario looks inside)
                patch.setattr(module, "TRANSACTION_RECORDS", 20)
                limited.limit = 20
            await opened.task.process(commands, opened.counting)
            await until_rows(opened, **{f"s{number}": 2 for number in numbers}, **{f"c{number}": 1 for number in numbers})
        kinds = [record.key[:1] for record in await timed.records(timed.settings.topic("events.count"))][len(numbers) :]
        assert {len(set(kinds[at : at + 40])) for at in range(0, len(kinds), 40)} == {2}, "one kind held up the other"
    finally:
        await opened.task.close()


async def one_raises(timed: TimerHarness) -> None:
    """Let the handler of one of two due timers raise. The other timer fires now, this one later, and nothing of the first attempt remains."""
    opened = await timed.open()
    try:
        sleeping(opened).then = {"a": fail}
        await timed.send(("a", b" at 10"), ("b", b" at 20"))
        await opened.pump()
        await timed.move(opened, 1_000)
        await hear_until(opened, lambda: opened.rows()["b"] == 2)
        assert (opened.rows(), asleep(opened)) == ({"a": 1, "b": 2}, {"a": 10})

        sleeping(opened).then = {}
        await timed.move(opened, 1_000 + setbacks.RETRY_MS)

        await until_rows(opened, a=2, b=2)
        assert await timed.wakings() == [("b", 20), ("a", 10)]
    finally:
        await opened.task.close()


async def idle_until_due(harness: Harness) -> None:
    """Wait by the real clock. A task with nothing else to do fires its timer, and not before it is due."""
    opened, due_ms = await harness.open(), int(time() * 1000) + 500
    try:
        await harness.send(("a", f" at {due_ms}".encode()))
        await opened.pump()
        await until_rows(opened, a=2)
        [_, woken] = await harness.records(harness.settings.topic("events.count"))
        assert woken.timestamp >= due_ms
    finally:
        await opened.task.close()


async def _ends_with_one_more(opened: Opened, **counts: int) -> None:
    """Assert that these are the counts in rows and log, once the timer that is due last has fired, and that no timer is left."""
    timed = opened.harness
    assert isinstance(timed, TimerHarness)
    try:
        await timed.send(("z", b" at 3000"))
        await opened.pump()
        await timed.move(opened, 3_000)
        await hear_until(opened, lambda: opened.rows().get("z") == 2)
        assert opened.rows() == {**counts, "z": 2}
        assert asleep(opened) == {}
        await timed.expect_counts(**counts, z=2)
    finally:
        await opened.task.close()


async def another_clock(harness: Harness, ahead_ms: int) -> float:
    """Run a worker whose clock differs from the brokers'. Only timers due by the brokers' time fire. Return the lead of its clock as measured (seconds)."""
    await harness.configure(harness.commands, {"message.timestamp.type": "LogAppendTime"})
    now_ms = int(time() * 1000)
    opened = await harness.open()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(clock, "now_ms", lambda: int(time() * 1000) + ahead_ms)
            await harness.send(("past", f" at {now_ms - HALF_AN_HOUR_MS}".encode()), ("future", f" at {now_ms + HALF_AN_HOUR_MS}".encode()))
            await hear_until(opened, lambda: opened.rows().get("past") == 2)
            await until_asked(opened)
        assert asleep(opened) == {"future": now_ms + HALF_AN_HOUR_MS}
        return opened.task._side.measures.clock_ahead_s  # noqa: SLF001 (the scenario looks inside)
    finally:
        await opened.task.close()


async def cancelled_before_the_tick(timed: TimerHarness) -> None:
    """Leave a command unread that cancels a due timer. It is processed before the tick."""
    opened = await timed.open()
    try:
        await timed.send(("a", b" at 1000"), ("z", b" at 1000"))
        await until_asked(opened)
        await timed.send(("a", b"cancel"))
        timed.clock.at_ms = 1_000
        opened.task._queue.wake()  # noqa: SLF001 (in the place of time that passes)
        await hear_until(opened, lambda: opened.rows()["z"] == 2)
        assert await timed.wakings() == [("z", 1_000)]
    finally:
        await opened.task.close()


async def asked_and_unread(timed: TimerHarness) -> None:
    """Let two timers become due, one of which awaits the answer to a command that the group has not read. It fires once that is read."""
    opened = await timed.open()
    try:
        sleeping(opened).awaited = {"a": [TopicPartition(timed.commands, 0)]}
        await timed.send(("a", b" at 10"), ("b", b" at 20"))
        await opened.pump()
        await timed.move(opened, 1_000)
        await hear_until(opened, lambda: opened.rows()["b"] == 2)
        assert (opened.rows(), asleep(opened)) == ({"a": 1, "b": 2}, {"a": 10})

        await timed.set_group_offset(opened.position)
        timed.clock.at_ms = 2_000
        await until_rows(opened, a=2, b=2)
        assert await timed.wakings() == [("b", 20), ("a", 10)]
    finally:
        await opened.task.close()
