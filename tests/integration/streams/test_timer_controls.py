"""Negative controls: with one mechanism of timers switched off, the scenario of its guarantee fails."""

import pytest

from app import clock
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.timers.dispatcher import TimerDispatcher
from app.streams.timers.ticks import Ticks
from app.streams.timers.timers import cancel_timer, names, timers
from app.streams.timers.unread_commands import Unread
from tests.support.streams.harness import Harness
from tests.support.streams.timer_harness import Sleeping, TimerHarness
from tests.support.streams.timer_scenarios import (
    another_clock,
    asked_and_unread,
    cancelled_before_the_tick,
    due_while_nobody_was_there,
    many_beside_commands,
    one_raises,
    opened_after_waking,
    woken_in_the_middle,
)

pytestmark = pytest.mark.control


async def test_rows_that_go_before_the_transaction_of_the_waking_are_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def ring(self: TimerDispatcher) -> None:
        now_ms = self._now_ms = self._ticks.take()
        if now_ms is None:
            await asks(self)
            return
        due = {timer: timers[timer].due_ms for timer in self._taken(now_ms)}
        for timer in due:
            cancel_timer(*names(timer))
        await self._unit.flush()
        for timer, due_ms in due.items():
            agent, key = names(timer)
            self._sleepers[agent].wake(key, due_ms, now_ms)
        await self._unit.flush()

    asks = TimerDispatcher.ring
    monkeypatch.setattr(TimerDispatcher, "ring", ring)

    with pytest.raises(AssertionError):
        await woken_in_the_middle(timed, "begin_transaction", calls=5, after=False)


async def test_rows_that_do_not_go_with_the_waking_are_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streams.timers.dispatcher.cancel_timer", lambda *_: None)

    with pytest.raises(AssertionError):
        await opened_after_waking(timed)


async def test_an_order_that_is_not_made_anew_from_the_rows_is_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streams.timers.dispatcher.open_timers", lambda _: ())

    with pytest.raises(AssertionError):
        await due_while_nobody_was_there(timed)


async def test_a_waking_that_raised_and_left_something_behind_is_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(UnitOfWork, "rollback", lambda _: None)

    with pytest.raises(AssertionError):
        await one_raises(timed)


async def test_timers_that_hold_up_commands_are_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    ring = TimerDispatcher.ring

    async def until_none_is_due(self: TimerDispatcher) -> None:
        while self.due():
            await ring(self)

    monkeypatch.setattr(TimerDispatcher, "ring", until_none_is_due)

    with pytest.raises(AssertionError, match="held up the other"):
        await many_beside_commands(timed)


async def test_a_task_that_goes_by_its_own_clock_is_found(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(harness, "aggregate", Sleeping)
    take = Ticks.take
    monkeypatch.setattr(Ticks, "take", lambda self: take(self) and clock.now_ms())

    with pytest.raises(AssertionError, match="future"):
        await another_clock(harness, 3_600_000)


async def test_a_task_that_does_not_wait_for_its_tick_is_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ticks, "read", Ticks.awaited)

    with pytest.raises(AssertionError, match="'a'"):
        await cancelled_before_the_tick(timed)


async def test_a_timer_that_does_not_wait_for_an_unread_command_is_found(timed: TimerHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Unread, "holds", lambda *_: False)

    with pytest.raises(AssertionError):
        await asked_and_unread(timed)
