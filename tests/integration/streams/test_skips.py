"""Skipped offsets: every reader passes over them, and a task that stopped there notices the skip by itself."""

from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.streams.aiokafka_patches.decompression import BATCH_BYTES
from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import reading
from app.streams.kafka.skips import NONE, Skips
from app.streams.kafka.topic_ids import describe
from app.streams.kafka.transactions import Transaction, producer
from app.streams.parking.record import SKIPPED, ParkingOutcome, parse, skip
from app.streams.parking.skip_log import SkipLog
from tests.support.streams.harness import Harness, Opened
from tests.support.waiting import until


@pytest.fixture
async def damaged(harness: Harness) -> Harness:
    """Write three events, two of the key `a` and one of `b`, then one that cannot be read. Lose the changelog."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))
    await opened.pump()
    await opened.task.close()
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap, compression_type="zstd", max_request_size=1 << 30) as sender:
        await sender.send_and_wait(harness.settings.topic("events.count"), bytes(BATCH_BYTES), b"a")
    await harness.recreate(harness.settings.changelog)
    return harness


async def skipped(harness: Harness, topic: str, first: int, last: int, topic_id: str = "") -> None:
    """Write a skip, as `foldstream skip` does."""
    async with reading(harness.settings.bootstrap) as consumer:
        cluster = await describe(consumer._client, [topic])  # noqa: SLF001 (aiokafka has no public way to send a request)
    sender = producer(harness.settings.bootstrap, f"{harness.settings.app_id}-0")
    async with sender:
        transaction = Transaction(sender, 1)
        settled = ParkingOutcome(topic, 0, first, SKIPPED, topic_id or cluster.topic_ids[topic], last)
        transaction.extend([skip(harness.settings.topic("parked"), settled, "ops", "a test")])
        await transaction.commit()


async def passed_over(harness: Harness) -> Opened:
    """Skip the unreadable event, and rebuild. The rebuild passes over it."""
    await skipped(harness, harness.settings.topic("events.count"), 3, 100)
    opened = await harness.open()
    assert opened.task.ready.is_set(), opened.task.stop_reason
    assert opened.rows() == {"a": 2, "b": 1}
    return opened


async def test_a_rebuild_that_cannot_read_an_event_stops_names_it_and_goes_on_when_it_is_skipped(damaged: Harness) -> None:
    opened = await damaged.open()
    reason = opened.task.stop_reason
    await skipped(damaged, damaged.settings.topic("events.count"), 3, 100)

    await until(opened.task.ready.is_set, within_s=60)

    assert f"{damaged.settings.topic('events.count')} [0]" in reason
    assert "foldstream skip" in reason
    assert opened.rows() == {"a": 2, "b": 1}
    await opened.task.close()


async def test_what_was_skipped_is_passed_over_whenever_the_changelog_is_made_anew(damaged: Harness) -> None:
    await (await passed_over(damaged)).task.close()
    await damaged.recreate(damaged.settings.changelog)

    opened = await damaged.open()

    assert opened.rows() == {"a": 2, "b": 1}
    await damaged.send(("a", b""))
    await opened.task.close()


async def test_a_skip_of_an_earlier_topic_of_this_name_counts_for_nothing(damaged: Harness) -> None:
    await skipped(damaged, damaged.settings.topic("events.count"), 0, 100, topic_id="another")

    opened = await damaged.open()

    assert "cannot be read" in opened.task.stop_reason
    await opened.task.close()


async def test_a_skip_moves_no_position_when_the_changelog_was_lost(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b""))
    await opened.pump()
    await opened.task.close()
    await harness.recreate(harness.settings.changelog)
    await harness.send(("a", b""), ("b", b""), ("c", b""))
    await skipped(harness, harness.commands, 2, 2)

    opened = await harness.open()
    await opened.pump()

    await harness.expect_counts(a=2, c=1)
    await opened.task.close()


@pytest.mark.control
async def test_a_skip_that_nobody_reads_is_found(damaged: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object) -> Skips:
        return NONE

    monkeypatch.setattr(SkipLog, "read", nothing)

    with pytest.raises(AssertionError, match="cannot be read"):
        await passed_over(damaged)


def test_offsets_of_several_skips_are_passed_over_together() -> None:
    skips = Skips([("t", 7, 8), ("t", 3, 5), ("t", 6, 6), ("u", 0, 9)])

    assert [skips.behind("t", offset) for offset in (2, 3, 6, 8, 9)] == [2, 9, 9, 9, 9]
    assert (skips.behind("v", 4), NONE.behind("t", 3)) == (4, 3)
    assert [record.offset for record in skips.left("t", _records(range(2, 11)))] == [2, 9, 10]


def test_a_skip_says_who_and_why_and_what() -> None:
    settled = ParkingOutcome("t", 1, 5, SKIPPED, "id", 7)
    written = skip("parked", settled, "ops", "a reason")

    assert (written.key, written.value, written.partition) == (None, None, 1)
    assert {name: value.decode() for name, value in written.headers if name != "parked-at"} == {
        "parked-topic": "t",
        "parked-partition": "1",
        "parked-offset": "5",
        "parked-outcome": "skipped",
        "parked-error": "a reason",
        "parked-last": "7",
        "parked-by": "ops",
        "parked-topic-id": "id",
    }
    assert parse(written) == settled


def test_what_cannot_be_read_is_named_with_what_to_do() -> None:
    error = UnreadableBatch(TopicPartition("t", 1), 5, 7, "its checksum is wrong")

    assert "t [1] 5..7 cannot be read" in str(error)
    assert "foldstream skip t 1 5..7 --reason" in str(error)


def _records(offsets: Sequence[int]) -> list[ConsumerRecord]:
    return [ConsumerRecord("t", 0, offset, 0, 0, None, None, None, -1, -1, ()) for offset in offsets]
