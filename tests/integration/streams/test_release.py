"""Releases of parked records: retried or discarded, then those behind them, in order and once each (contract, section 2)."""

import asyncio
from typing import Any

import pytest

from app.streams.parking.record import ParkingOutcome, parse
from app.streams.parking.release import Interrupted, NotHead, NotParked
from tests.support.streams.harness import Harness, Opened
from tests.support.streams.scenarios import released_in_the_middle


@pytest.fixture
async def opened(harness: Harness) -> Opened:
    """Return a task with a parked record of the key `a` (0) and three behind it (1, 2, 4). The second of these will fail, too."""
    opened = await harness.open()
    await harness.send(("a", b"raise"), ("a", b""), ("a", b"raise, too"), ("b", b""), ("a", b""))
    await opened.pump()
    return opened


async def said(harness: Harness) -> list[tuple[int, str]]:
    """Return the records of the topic `parked` in order: the offset of each command, with its reason or its outcome."""
    words = [parse(record) for record in await harness.records(harness.settings.topic("parked"))]
    return [(word.offset, word.outcome if isinstance(word, ParkingOutcome) else word.reason) for word in words]


PARKED = [(0, "failed"), (1, "behind-parked"), (2, "behind-parked"), (4, "behind-parked")]


async def test_a_record_that_is_retried_and_those_behind_it_are_processed_in_order_until_one_fails(opened: Opened) -> None:
    opened.counting.mended = {b"raise"}

    assert await opened.retry(0) is None

    await opened.idle()
    assert await opened.harness.order("a") == [0, 1]
    assert await said(opened.harness) == [*PARKED, (0, "released"), (1, "released"), (2, "failed")]
    await opened.task.close()


async def test_a_queue_that_was_released_to_its_end_holds_up_nothing_more(opened: Opened) -> None:
    opened.counting.mended = {b"raise", b"raise, too"}
    await opened.retry(0)
    await opened.idle()

    await opened.harness.send(("a", b""))
    await opened.pump()

    assert await opened.harness.order("a") == [0, 1, 2, 4, 5]
    await opened.harness.expect_counts(a=5, b=1)
    await opened.task.close()


async def test_a_record_that_fails_again_stays_the_head_and_says_why(opened: Opened) -> None:
    park = await opened.retry(0)

    assert park is not None
    assert (park.reason, str(park)) == ("failed", "ValueError('asked to')")
    assert await said(opened.harness) == [*PARKED, (0, "failed")]
    await opened.harness.expect_counts(b=1)
    await opened.task.close()


async def test_only_the_head_of_a_key_may_be_released(opened: Opened) -> None:
    with pytest.raises(NotHead, match="an earlier record"):
        await opened.retry(1)
    with pytest.raises(NotHead):
        await opened.discard(4, "not needed")
    with pytest.raises(NotParked):
        await opened.retry(3)
    assert await said(opened.harness) == PARKED
    await opened.task.close()


async def test_a_record_that_is_discarded_causes_nothing_and_those_behind_it_follow(opened: Opened) -> None:
    opened.counting.mended = {b"raise, too"}

    await opened.discard(0, "a test order")

    await opened.idle()
    assert await opened.harness.order("a") == [1, 2, 4]
    outcome = (await opened.harness.records(opened.harness.settings.topic("parked")))[len(PARKED)]
    headers = dict(outcome.headers)
    assert (outcome.key, outcome.value) == (b"a", None)
    assert list(headers) == ["parked-topic", "parked-partition", "parked-offset", "parked-outcome", "parked-error", "parked-at", "parked-topic-id"]
    assert (headers["parked-outcome"], headers["parked-error"]) == (b"discarded", b"a test order")
    await opened.task.close()


async def test_a_record_keeps_its_time_headers_and_place_when_it_is_retried(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = await harness.open()
    await harness.send(("a", b"raise"), headers=[("trace", b"1"), ("empty", None), ("parked-reason", b"a lie")])
    await opened.pump()
    seen: list[Any] = []
    monkeypatch.setattr(type(opened.counting), "__call__", lambda _, record: seen.append(record))

    await opened.retry(0)

    [sent] = await harness.records(harness.commands)
    [again] = seen
    assert (again.offset, again.timestamp, again.key, again.value) == (sent.offset, sent.timestamp, sent.key, sent.value)
    assert list(again.headers) == list(sent.headers)
    await opened.task.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("step", "calls"), [("begin_transaction", 2), ("send_batch", 2), ("send_batch", 6), ("commit_transaction", 1), ("commit_transaction", 2)]
)
async def test_a_release_that_is_cut_off_is_ended_by_the_successor(harness: Harness, step: str, calls: int, after: bool) -> None:  # noqa: FBT001 (a parameter)
    await released_in_the_middle(harness, step, calls=calls, after=after)


async def test_a_release_that_is_cut_off_is_ended_also_after_the_changelog_was_lost(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streams.parking.release.ParkedReleaser.__bool__", lambda _: False)
    opened = await harness.open()
    await harness.send(("a", b"raise"), ("a", b""), ("a", b""))
    await opened.pump()
    await opened.discard(0, "not needed")
    await opened.task.close()
    await harness.recreate(harness.settings.changelog)
    monkeypatch.undo()

    successor = await harness.open()

    await successor.idle()
    assert await harness.order("a") == [1, 2]
    assert await said(harness) == [(0, "failed"), (1, "behind-parked"), (2, "behind-parked"), (0, "discarded"), (1, "released"), (2, "released")]
    await successor.task.close()


async def test_a_record_that_the_broker_still_refuses_stays_parked_until_it_does_not(harness: Harness) -> None:
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("events.count"), 20_000)
    await harness.send(("a", b"big 30000"), ("a", b""))
    await opened.pump()

    park = await opened.retry(0)
    assert park is not None
    assert park.reason == "failed"

    await opened.idle()
    await harness.limit_record_size(harness.settings.topic("events.count"), 100_000)
    assert await opened.retry(0) is None
    await opened.idle()
    assert await harness.order("a") == [0, 1]
    await opened.task.close()


async def test_a_record_behind_that_the_broker_refuses_becomes_the_head(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b"raise"), ("a", b""), ("a", b"big 30000"), ("a", b""))
    await opened.pump()
    await harness.limit_record_size(harness.settings.topic("events.count"), 20_000)

    await opened.discard(0, "not needed")

    await opened.idle()
    assert await harness.order("a") == [1]
    assert (await said(harness))[-1] == (2, "failed")
    assert opened.task._intake.open == {(harness.commands, "failed"): 1, (harness.commands, "behind-parked"): 1}  # noqa: SLF001 (the test looks inside)
    await opened.task.close()


async def test_what_was_asked_of_a_task_that_closes_is_answered(opened: Opened) -> None:
    await opened.task.settle()
    retrying = asyncio.create_task(opened.retry(0))
    await asyncio.sleep(0)

    await opened.task.close()

    with pytest.raises(Interrupted):
        await retrying
