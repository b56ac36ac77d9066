"""Order of timers: by due time, the last one set for each key. Failed attempts put a timer off longer and longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.streams.processing.limits import TRANSACTION_RECORDS
from app.streams.timers import backoff as setbacks
from app.streams.timers import schedule
from app.streams.timers.backoff import FiredTimer, TimerBackoff
from app.streams.timers.schedule import TimerQueue

PUTS = st.lists(st.tuples(st.sampled_from("abcde"), st.none() | st.integers(0, 9)))


@given(PUTS, st.integers(0, 9))
def test_what_is_due_is_what_was_put_last_in_the_order_of_times(puts: list[tuple[str, int | None]], now_ms: int) -> None:
    order = TimerQueue()

    for timer, when_ms in puts:
        order.put(timer, when_ms)

    due = sorted((when_ms, timer) for timer, when_ms in dict(puts).items() if when_ms is not None and when_ms <= now_ms)
    assert taken(order, now_ms) == [timer for _, timer in due]


def test_timers_that_are_set_anew_again_and_again_take_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SLACK", 10)
    order = TimerQueue()

    for when_ms in range(1_000):
        order.put("a", when_ms)
        order.put("b", None if when_ms % 2 else when_ms)

    assert len(order._order) <= 2 * 2 + 10 + 1  # noqa: SLF001 (the test looks inside)
    assert (taken(order, 998), taken(order, 999)) == ([], ["a"])


def test_a_timer_waits_longer_after_each_setback_and_not_at_all_when_it_is_set_anew() -> None:
    found, waits = TimerBackoff(), []

    for _ in range(9):
        found.postpone(FiredTimer("agent\0a", 5, 7), "asked to")
        waits.append(found.when_ms("agent\0a", 5))

    assert waits == [7 + wait_ms for wait_ms in (1_000, 2_000, 4_000, 8_000, 16_000, 32_000, *[setbacks.LONGEST_MS] * 3)]
    assert (found.when_ms("agent\0a", 6), found.when_ms("agent\0a", 5)) == (6, 5)


def test_a_refused_transaction_is_halved_down_to_one_timer_that_is_then_alone() -> None:
    found, many = TimerBackoff(), [FiredTimer(f"agent\0{number}", 5, 5) for number in range(8)]

    limits = []
    while not found.alone(many[0].timer):
        found.refused(many[: found.limit], "too large")
        limits.append(found.limit)

    assert limits == [4, 2, 1, 1]
    for _ in range(20):
        found.accepted(many[1:])
    assert found.limit == TRANSACTION_RECORDS
    assert found.alone(many[0].timer)
    found.accepted(many[:1])
    assert not found.alone(many[0].timer)


def taken(order: TimerQueue, now_ms: int) -> list[str]:
    """Return all due timers, one by one."""
    found = []
    while (timer := order.first(now_ms)) is not None:
        order.put(timer, None)
        found.append(timer)
    return found
