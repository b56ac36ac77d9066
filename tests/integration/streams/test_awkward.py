"""Records that are hard to park: too large for a record of ours, with undecodable names of headers, or with too many effects."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord

from app.streams.aiokafka_patches.header_names import LenientBatch
from app.streams.parking import guard as intake
from app.streams.parking import record as parked
from app.streams.parking.record import KEPT_BYTES, PART_BYTES
from tests.support.streams.harness import Harness, Opened
from tests.support.waiting import until

NO_UTF_8 = "c\udcc3("
LARGE = b"raise" + bytes(7 << 19)


async def write(harness: Harness, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
    """Write a command that compression makes small on the wire."""
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap, max_request_size=1 << 30, compression_type="gzip") as producer:
        await producer.send_and_wait(harness.commands, value, key, headers=list(headers))


async def processed(opened: Opened) -> None:
    """Return once the task has processed everything. Fail if it stopped."""
    pump = asyncio.create_task(opened.pump())
    await until(lambda: pump.done() or opened.task.stopped, within_s=60)
    pump.cancel()
    assert not opened.task.stopped, opened.task.stop_reason


async def in_part(harness: Harness) -> tuple[Opened, ConsumerRecord]:
    """Process a record that is too large to be kept whole. It is parked in part, and the task continues behind it."""
    opened = await harness.open()
    await write(harness, b"a", LARGE)
    await harness.send(("a", b"waits"), ("b", b""))
    await processed(opened)
    await harness.expect_counts(b=1)
    return opened, (await harness.records(harness.settings.topic("parked")))[0]


async def test_a_record_too_large_to_be_kept_is_parked_in_part_and_says_so(harness: Harness) -> None:
    opened, record = await in_part(harness)

    assert (record.key, record.value) == (b"a", LARGE[:PART_BYTES])
    assert record.headers[-1] == ("parked-cut", f"value {len(LARGE)}".encode())
    assert dict(record.headers)["parked-reason"] == b"failed"
    await opened.task.close()


async def test_a_record_that_was_cut_is_not_retried_but_discarded_also_after_the_changelog_was_lost(harness: Harness) -> None:
    opened, _ = await in_part(harness)
    await opened.task.close()
    await harness.recreate(harness.settings.changelog)
    opened = await harness.open()
    opened.counting.mended = {LARGE, LARGE[:PART_BYTES]}

    park = await opened.retry(0)
    before = await harness.versions()
    await opened.discard(0, "a picture")
    await opened.idle()

    assert park is not None
    assert f"too large to be kept whole (value {len(LARGE)} bytes)" in str(park)
    assert f"{harness.commands} [0] 0" in str(park)
    assert before == {"b": [1]}
    await harness.expect_counts(a=1, b=1)
    await opened.task.close()


async def test_one_that_waited_behind_another_is_not_processed_in_part(harness: Harness) -> None:
    opened = await harness.open()
    await harness.send(("a", b"raise"))
    await write(harness, b"a", bytes(KEPT_BYTES + 1))
    await processed(opened)

    await opened.discard(0, "not needed")
    await opened.idle()

    last = (await harness.records(harness.settings.topic("parked")))[-1]
    assert dict(last.headers)["parked-reason"] == b"failed"
    await harness.expect_counts()
    await opened.task.close()


@pytest.mark.parametrize(
    ("key", "value", "headers"),
    [
        pytest.param(b"k" * (3 << 20), b"raise", [], id="key"),
        pytest.param(b"a", b"raise", [("h", bytes(5 << 20))], id="header"),
        pytest.param(b"a", b"raise", [("\x01" * 1_000_000, b"")], id="name"),
        pytest.param(b"a", b"raise", [("", b"")] * 300_000, id="many"),
    ],
)
async def test_whatever_is_large_about_a_record_it_is_parked(harness: Harness, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
    opened = await harness.open()
    await write(harness, key, value, headers)
    await harness.send(("b", b""))

    await processed(opened)

    [record] = await harness.records(harness.settings.topic("parked"))
    assert (record.key, record.value) == (key[:PART_BYTES], value)
    assert dict(record.headers)["parked-cut"]
    await harness.expect_counts(b=1)
    await opened.task.close()


async def test_a_record_whose_parking_is_refused_is_parked_with_next_to_nothing_of_it(harness: Harness) -> None:
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("parked"), 3_000)
    await harness.send(("a", b"raise" + bytes(10_000)), ("b", b""))

    await processed(opened)

    [record] = await harness.records(harness.settings.topic("parked"))
    assert dict(record.headers)["parked-cut"] == b"value 10005"
    await harness.expect_counts(b=1)
    await opened.task.close()


async def test_a_record_that_cannot_be_parked_at_all_stops_the_task_and_is_named(harness: Harness) -> None:
    opened = await harness.open()
    await harness.limit_record_size(harness.settings.topic("parked"), 200)
    await harness.send(("a", b"raise"))

    with pytest.raises(AssertionError):
        await processed(opened)

    assert f"cannot even park {harness.commands} [0] 0" in opened.task.stop_reason
    await opened.task.close()


async def test_a_header_whose_name_is_no_utf_8_is_parked_and_retried_as_it_came(harness: Harness) -> None:
    opened = await harness.open()
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap) as producer:
        strange = LenientBatch(producer, 1 << 20)
        for value in (b"raise", b""):
            strange.append(timestamp=1, key=b"a", value=value, headers=[(NO_UTF_8, b"1"), ("\0", b"2")])
        strange.close()
        await (await producer.send_batch(strange, harness.commands, partition=0))
    await processed(opened)
    parked = await harness.records(harness.settings.topic("parked"))
    await opened.task.close()
    await harness.recreate(harness.settings.changelog)
    opened = await harness.open()
    opened.counting.mended = {b"raise"}

    await opened.retry(0)
    await opened.idle()

    assert [record.headers[:2] for record in parked] == [((NO_UTF_8, b"1"), ("\0", b"2"))] * 2
    await harness.expect_counts(a=2)
    await opened.task.close()


async def test_a_record_that_causes_more_than_a_transaction_carries_is_parked(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "FEW", 1)
    monkeypatch.setattr(intake, "CAUSED_BYTES", 10_000)
    opened = await harness.open()
    await harness.send(("a", b"big 10000"), ("b", b""))

    await processed(opened)

    [record] = await harness.records(harness.settings.topic("parked"))
    assert b"more than" in (dict(record.headers)["parked-error"] or b"")
    await harness.expect_counts(b=1)
    await opened.task.close()


@pytest.mark.control
async def test_a_record_that_is_kept_whole_however_large_is_found(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    def whole(record: ConsumerRecord, agent: str, park: parked.Park, *_: int) -> Any:  # noqa: ANN401 (a row)
        return parked.from_record(record, agent, park, 1 << 40)

    monkeypatch.setattr(intake, "from_record", whole)

    with pytest.raises(AssertionError, match="cannot even park"):
        await in_part(harness)
