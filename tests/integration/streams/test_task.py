"""Processing of records by a write task."""

import asyncio

import pytest

from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.recovery.takeover import Positions, TakeOver
from tests.support.streams.harness import Harness
from tests.support.streams.scenarios import fenced_too_late, not_a_member, opened_anew_between_two_batches, partly_refused, restarted


async def test_everything_a_batch_causes_is_in_the_log_and_on_disk(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))

    await opened.pump()

    await harness.expect_counts(a=2, b=1)
    assert opened.rows() == {"a": 2, "b": 1}
    await opened.task.close()


async def test_a_record_whose_handler_raises_is_parked_and_leaves_nothing_else_behind(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b"raise"), ("a", b""))

    await opened.pump()

    await harness.expect_counts(a=2)
    [parked] = await harness.records(harness.settings.topic("parked"))
    assert (parked.key, dict(parked.headers)["parked-reason"]) == (b"b", b"failed")
    await opened.task.close()


async def test_a_task_that_meets_an_error_that_it_does_not_know_is_opened_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    take_over, errors = TakeOver.run, [RuntimeError("a library's own")]

    async def fails_once(self: TakeOver) -> tuple[TransactionalUnitOfWork, Positions]:
        if errors:
            raise errors.pop()
        return await take_over(self)

    monkeypatch.setattr(TakeOver, "run", fails_once)

    opened = await harness.open()

    assert (opened.task.stop_reason, errors) == ("", [])
    await harness.send(("a", b""))
    await opened.pump()
    await harness.expect_counts(a=1)
    await opened.task.close()


async def test_a_task_whose_invariant_does_not_hold_stays_closed(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def finds_it_broken(_self: TakeOver) -> tuple[TransactionalUnitOfWork, Positions]:
        raise AssertionError("a position never goes back")

    monkeypatch.setattr(TakeOver, "run", finds_it_broken)

    opened = await harness.open()

    assert "a position never goes back" in opened.task.stop_reason
    await opened.task.close()


async def test_records_behind_a_parked_one_wait_in_order_also_after_a_restart(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("b", b"raise"), ("b", b"1"), ("a", b""))
    await opened.pump()
    await opened.task.close()

    opened = await harness.open()
    await harness.send(("b", b"2"))
    await opened.pump()

    await harness.expect_counts(a=1)
    parked = await harness.records(harness.settings.topic("parked"))
    reasons = [(record.value, dict(record.headers)["parked-reason"]) for record in parked]
    assert reasons == [(b"raise", b"failed"), (b"1", b"behind-parked"), (b"2", b"behind-parked")]
    await opened.task.close()


async def test_a_transaction_larger_than_one_producer_batch_is_whole(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(*[(f"k{number}", b"big 300000") for number in range(12)])

    await opened.pump()

    await harness.expect_counts(**{f"k{number}": 1 for number in range(12)})
    await opened.task.close()


async def test_a_record_that_no_topic_takes_is_parked_and_those_around_it_are_not(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b"big 5000000"), ("c", b""), ("a", b""))

    await opened.pump()

    await harness.expect_counts(a=2, c=1)
    [parked] = await harness.records(harness.settings.topic("parked"))
    assert (parked.key, dict(parked.headers)["parked-reason"]) == (b"b", b"failed")
    await opened.task.close()


async def test_a_record_that_leaves_a_row_nobody_can_write_is_found_and_parked(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b"unwritable"), ("c", b""), ("a", b""))

    await opened.pump()

    await harness.expect_counts(a=2, c=1)
    [parked] = await harness.records(harness.settings.topic("parked"))
    assert (parked.key, dict(parked.headers)["parked-reason"]) == (b"b", b"failed")
    await opened.task.close()


async def test_batches_that_follow_a_refused_one_in_its_partition_are_its_consequence(harness: Harness) -> None:
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("events.count"), 600_000)
    await harness.send(*[(f"k{number}", b"big 5000") for number in range(290)])

    await opened.pump()

    await harness.expect_counts(**{f"k{number}": 1 for number in range(290)})
    assert await harness.records(harness.settings.topic("parked")) == []
    await opened.task.close()


async def test_a_transaction_takes_in_a_bounded_number_of_bytes(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(*[(f"k{number}", b"x" * 900_000) for number in range(20)])

    await opened.pump()

    markers = [record.offset for record in await harness.records(harness.settings.topic("results"))]
    assert markers != list(range(20)), "a commit marker stands between the transactions"
    await harness.expect_counts(**{f"k{number}": 1 for number in range(20)})
    await opened.task.close()


async def test_a_parked_record_with_a_header_without_value_does_not_close_its_partition(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("b", b"raise"), headers=[("empty", None)])
    await opened.pump()
    await opened.task.close()

    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""))
    await opened.pump()

    await harness.expect_counts(a=1)
    await opened.task.close()


async def test_a_task_that_is_told_again_and_again_to_open_anew_opens(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(*[(f"k{number}", b"") for number in range(200)])
    await opened.pump()

    for turn in range(12):
        opened.task.retake()
        for _ in range(turn * turn):
            await asyncio.sleep(0)
    await harness.send(("k1", b""))
    await opened.pump()

    assert opened.rows()["k1"] == 2
    await opened.task.close()


async def test_a_worker_that_its_group_does_not_confirm_fences_nobody(harness: Harness) -> None:
    await not_a_member(harness)


async def test_a_worker_that_fenced_after_it_lost_the_partition_does_not_serve(harness: Harness) -> None:
    await fenced_too_late(harness)


async def test_what_the_broker_refuses_is_found_and_parked_and_leaves_the_rest_whole(harness: Harness) -> None:
    await partly_refused(harness)


async def test_a_task_goes_on_where_it_was(harness: Harness) -> None:
    await restarted(harness)


async def test_a_batch_that_was_fetched_before_the_task_was_opened_anew_moves_no_position(harness: Harness) -> None:
    await opened_anew_between_two_batches(harness)
