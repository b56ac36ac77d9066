"""Whoever waits for a record is told of that record, and of no other with the same name."""

import asyncio

import pytest

from app.kernel.waiters import Place, TooMany, Waiters

FIRST, SECOND = Place("commands", 0, 1), Place("commands", 0, 2)


async def test_an_answer_reaches_who_waits_for_its_record() -> None:
    waiters = Waiters(10)
    with waiters.expect("key") as waiter:
        waiting = asyncio.create_task(waiter.answer(SECOND))
        await asyncio.sleep(0)

        waiters.tell("key", FIRST, "first")
        waiters.tell("key", SECOND, "second")

        assert await waiting == "second"


async def test_an_answer_that_comes_before_the_place_is_known_is_kept() -> None:
    waiters = Waiters(10)
    with waiters.expect("key") as waiter:
        waiters.tell("key", FIRST, "first")

        assert await waiter.answer(FIRST) == "first"


async def test_nobody_is_told_who_has_gone() -> None:
    waiters = Waiters(10)
    with waiters.expect("key"):
        assert "key" in waiters

    assert "key" not in waiters
    waiters.tell("key", FIRST, "first")


async def test_no_more_wait_than_may() -> None:
    waiters = Waiters(1)
    with waiters.expect("one"), pytest.raises(TooMany), waiters.expect("two"):
        pass

    with waiters.expect("two"):
        assert "two" in waiters
