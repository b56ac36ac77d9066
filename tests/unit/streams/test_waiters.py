"""Pending replies: a client gets the reply to its own record, and of no other one with the same name."""

import asyncio

import pytest

from app.streams.processing.replies import PendingReplies, RecordLocation, ReplyOutcomeUnknown, TooManyPendingReplies

FIRST, SECOND = RecordLocation("commands", 0, 1), RecordLocation("commands", 0, 2)


async def test_an_answer_reaches_who_waits_for_its_record() -> None:
    waiters = PendingReplies(10)
    with waiters.expect("key", 0) as waiter:
        waiting = asyncio.create_task(waiter.answer(SECOND))
        await asyncio.sleep(0)

        waiters.tell("key", FIRST, "first")
        waiters.tell("key", SECOND, "second")

        assert await waiting == "second"


async def test_an_answer_that_comes_before_the_place_is_known_is_kept() -> None:
    waiters = PendingReplies(10)
    with waiters.expect("key", 0) as waiter:
        waiters.tell("key", FIRST, "first")

        assert await waiter.answer(FIRST) == "first"


async def test_nobody_is_told_who_has_gone() -> None:
    waiters = PendingReplies(10)
    with waiters.expect("key", 0):
        assert "key" in waiters

    assert "key" not in waiters
    waiters.tell("key", FIRST, "first")


async def test_no_more_wait_than_may() -> None:
    waiters = PendingReplies(1)
    with waiters.expect("one", 0), pytest.raises(TooManyPendingReplies), waiters.expect("two", 0):
        pass

    with waiters.expect("two", 0):
        assert "two" in waiters


async def test_whose_transaction_has_an_unknown_outcome_is_told_at_once_and_only_who_was_not_answered() -> None:
    waiters = PendingReplies(10)
    with waiters.expect("lost", 0) as lost, waiters.expect("answered", 0) as answered, waiters.expect("elsewhere", 1) as elsewhere:
        waiting = asyncio.create_task(lost.answer(FIRST))
        waiters.tell("answered", FIRST, "first")
        await asyncio.sleep(0)

        waiters.lose(0)

        with pytest.raises(ReplyOutcomeUnknown):
            await waiting
        assert await answered.answer(FIRST) == "first"
        waiters.tell("elsewhere", RecordLocation("commands", 1, 1), "other")
        assert await elsewhere.answer(RecordLocation("commands", 1, 1)) == "other"
