"""Timers: set, replaced, cancelled and deleted with the transactions of their task, and fired once in effect."""

import pytest
from aiokafka import AIOKafkaProducer

from app.streams.timers import backoff as setbacks
from app.streams.timers.ticks import TICK
from app.streams.timers.timers import cancel_timer, set_timer
from tests.support.streams.harness import Harness
from tests.support.streams.timer_harness import Sleeping, TimerHarness, asleep, hear_until, sleeping, ticks, until_asked, until_rows
from tests.support.streams.timer_scenarios import (
    another_clock,
    asked_and_unread,
    cancelled_before_the_tick,
    due_while_nobody_was_there,
    idle_until_due,
    many_beside_commands,
    one_raises,
    opened_after_waking,
    woken_in_the_middle,
)

FAR = b" at 100000000"

SET = {"begin_transaction": 3, "send_batch": 5, "commit_transaction": 3}
"""Calls of each step by the transactions that set the timers, write a tick and read it. The next transaction fires the timers."""


async def test_an_idle_task_wakes_when_a_timer_is_due(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "aggregate", Sleeping)

    await idle_until_due(harness)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", list(SET))
async def test_a_task_that_is_closed_around_a_step_of_waking_wakes_once(timed: TimerHarness, step: str, after: bool) -> None:  # noqa: FBT001 (a parameter)
    await woken_in_the_middle(timed, step, calls=SET[step] + 1, after=after)


async def test_what_became_due_while_nobody_was_there_wakes_at_once(timed: TimerHarness) -> None:
    await due_while_nobody_was_there(timed)


async def test_who_was_woken_is_not_woken_again(timed: TimerHarness) -> None:
    await opened_after_waking(timed)


async def test_sleepers_are_told_their_due_time_and_woken_in_the_order_of_due_times(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("c", b" at 30"), ("a", b" at 20"), ("b", b" at 40"), ("d", b" at 10"))
    await opened.pump()

    await timed.move(opened, 1_000)

    await until_rows(opened, a=2, b=2, c=2, d=2)
    assert await timed.wakings() == [("d", 10), ("a", 20), ("c", 30), ("b", 40)]
    await opened.task.close()


async def test_a_timer_that_is_set_again_wakes_for_its_last_due_time_only(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("sooner", FAR), ("later", b" at 10"), ("at once", b" at 0"), ("at once", FAR))
    await opened.pump()
    await timed.send(("sooner", b" at 20"), ("later", b" at 30"))
    await opened.pump()

    await timed.move(opened, 25)
    await until_rows(opened, **{"sooner": 3, "later": 2, "at once": 2})
    await timed.move(opened, 1_000)
    await until_rows(opened, **{"sooner": 3, "later": 3, "at once": 2})

    assert await timed.wakings() == [("sooner", 20), ("later", 30)]
    assert asleep(opened) == {"at once": 100_000_000}
    await opened.task.close()


async def test_a_timer_that_is_cancelled_does_not_wake(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("a", b" at 10"), ("b", b" at 20"), ("c", b"cancel"), ("d", b" at 0"), ("d", b"cancel"))
    await opened.pump()
    await timed.send(("a", b"cancel"))
    await opened.pump()

    await timed.move(opened, 1_000)

    await until_rows(opened, a=2, b=2, c=1, d=2)
    assert await timed.wakings() == [("b", 20)]
    assert asleep(opened) == {}
    await opened.task.close()


async def test_a_record_or_a_transaction_that_fails_sets_and_cancels_nothing(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.limit_record_size(timed.settings.topic("events.count"), 20_000)
    await timed.send(("a", b" at 20"), ("b", b"raise at 10"), ("c", b"big 30000 at 10"))
    await opened.pump()
    await timed.send(("a", b"big 30000 at 10"))
    await opened.pump()

    await timed.move(opened, 1_000)

    await until_rows(opened, a=2)
    assert await timed.wakings() == [("a", 20)]
    assert asleep(opened) == {}
    await opened.task.close()


async def test_many_that_are_due_at_once_and_commands_take_turns(timed: TimerHarness) -> None:
    await many_beside_commands(timed)


async def test_a_sleeper_that_raises_is_woken_again_later_and_the_others_now(timed: TimerHarness) -> None:
    await one_raises(timed)


async def test_a_sleeper_that_sets_its_timer_when_it_is_woken_sleeps_on(timed: TimerHarness) -> None:
    opened = await timed.open()
    sleeping(opened).then = {"a": lambda: set_timer("count", "a", timed.clock.at_ms + 500)}
    await timed.send(("a", b" at 10"))
    await opened.pump()

    await timed.move(opened, 1_000)
    await until_rows(opened, a=2)
    await timed.move(opened, 2_000)
    await until_rows(opened, a=3)

    assert await timed.wakings() == [("a", 10), ("a", 1_500)]
    assert asleep(opened) == {"a": 2_500}
    await opened.task.close()


async def test_a_timer_that_is_cancelled_or_set_anew_by_one_due_with_it_does_not_wake(timed: TimerHarness) -> None:
    opened = await timed.open()
    sleeping(opened).then = {"a": lambda: cancel_timer("count", "b"), "c": lambda: set_timer("count", "d", 5_000)}
    await timed.send(("a", b" at 10"), ("b", b" at 20"), ("c", b" at 30"), ("d", b" at 40"), ("e", b" at 50"))
    await opened.pump()

    await timed.move(opened, 1_000)

    await until_rows(opened, a=2, b=1, c=2, d=1, e=2)
    assert asleep(opened) == {"d": 5_000}
    await opened.task.close()


async def test_a_timer_of_an_agent_that_this_code_does_not_know_waits_for_code_that_does(timed: TimerHarness) -> None:
    opened = await timed.open()
    agents = dict(opened.counting.sleepers)
    opened.counting.sleepers.clear()
    await timed.send(("a", b" at 10"))
    await opened.pump()
    await timed.move(opened, 1_000)
    await hear_until(opened, lambda: opened.task._setbacks.when_ms("count\0a", 10) == 1_000 + setbacks.RETRY_MS)  # noqa: SLF001 (the test looks inside)

    opened.counting.sleepers.update(agents)
    await timed.move(opened, 1_000 + setbacks.RETRY_MS)

    await until_rows(opened, a=2)
    await opened.task.close()


async def test_a_waking_that_the_broker_refuses_is_found_and_tried_again_later_and_the_others_are_not_held_up(timed: TimerHarness) -> None:
    opened = await timed.open()
    sleeping(opened).writes = {"k3": 30_000}
    await timed.limit_record_size(timed.settings.topic("events.count"), 20_000)
    await timed.send(*[(f"k{number}", b" at 1000") for number in range(8)])
    await opened.pump()
    await timed.move(opened, 1_000)
    await until_rows(opened, **{f"k{number}": 1 if number == 3 else 2 for number in range(8)})
    assert asleep(opened) == {"k3": 1_000}

    await timed.limit_record_size(timed.settings.topic("events.count"), 100_000)
    await timed.move(opened, 1_000 + setbacks.RETRY_MS)

    await until_rows(opened, **{f"k{number}": 2 for number in range(8)})
    assert asleep(opened) == {}
    await opened.task.close()


async def test_timers_that_went_with_the_changelog_are_set_as_the_rows_say(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("a", b" at 1000"), ("b", FAR), ("b", b""))
    await opened.pump()
    await opened.task.close()
    await timed.recreate(timed.settings.changelog)

    opened = await timed.open()

    assert asleep(opened) == {"a": 1_000}
    await timed.move(opened, 1_000)
    await until_rows(opened, a=2, b=2)
    await opened.task.close()


async def test_timers_are_kept_by_code_that_folds_in_another_way_and_those_that_its_rows_ask_for_are_set(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("a", b""), ("b", FAR), ("b", b""))
    await opened.pump()
    await opened.task.close()

    opened = await timed.open(fingerprint="2")

    assert asleep(opened) == {"a": 1_000, "b": 100_000_000}
    await opened.task.close()


@pytest.mark.parametrize("ahead_ms", [3_600_000, -3_600_000], ids=["ahead", "behind"])
async def test_a_worker_whose_clock_is_wrong_wakes_by_the_brokers_time_and_says_so(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, ahead_ms: int
) -> None:
    monkeypatch.setattr(harness, "aggregate", Sleeping)

    ahead_s = await another_clock(harness, ahead_ms)

    assert round(ahead_s, -2) == ahead_ms / 1000
    way = "ahead of" if ahead_ms > 0 else "behind"
    assert [message for message in caplog.messages if f"s {way} the brokers'" in message] != []


async def test_what_lies_in_the_inbox_is_heard_before_a_timer_is_due(timed: TimerHarness) -> None:
    await cancelled_before_the_tick(timed)


async def test_a_timer_is_put_off_while_the_command_that_it_waits_for_is_unread_and_no_other_is(timed: TimerHarness) -> None:
    await asked_and_unread(timed)


async def test_a_task_without_timers_asks_for_no_time_and_one_whose_timers_are_not_due_once(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("a", b""), ("b", FAR), ("b", b"cancel"))
    await opened.pump()
    await timed.move(opened, 1_000_000_000)
    await opened.pump()
    assert await ticks(timed) == 0

    await timed.send(("a", b" at 2000000000"))
    await opened.pump()
    await timed.move(opened, 1_000_000_000 + 30_000)
    await until_asked(opened)

    assert await ticks(timed) == 1
    await opened.task.close()


async def test_ticks_of_others_change_nothing_and_are_not_parked(timed: TimerHarness) -> None:
    opened = await timed.open()
    await timed.send(("a", FAR))
    async with AIOKafkaProducer(bootstrap_servers=timed.settings.bootstrap) as foreign:
        for value in (TICK, TICK, b'{"type": "tick"}'):
            await foreign.send_and_wait(timed.commands, value, timestamp_ms=200_000_000)
    await timed.send(("b", b""))

    await until_asked(opened)

    assert (opened.rows(), asleep(opened)) == ({"a": 1, "b": 1}, {"a": 100_000_000})
    assert [record.value for record in await timed.records(timed.settings.topic("parked"))] == [b'{"type": "tick"}']
    await opened.task.close()
