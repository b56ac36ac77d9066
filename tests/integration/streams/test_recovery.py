"""Recovery: from any state of disk and changelog, a task restores the rows of the log of record."""

import resource
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from msgspec.structs import replace

from app.streams.aiokafka_patches.decompression import BATCH_BYTES
from app.streams.state.store import StateStore
from app.streams.topology import WriteTopology
from tests.support.streams.harness import Harness
from tests.support.waiting import until


async def goes_on(harness: Harness, **open_with: str) -> None:
    """Open a task, which must have the right rows, and continue counting."""
    opened = await harness.open(**open_with)  # type: ignore[arg-type]  # only fingerprints are passed
    assert opened.rows() == {"a": 2, "b": 1}
    await harness.send(("a", b""))
    await opened.pump()
    await harness.expect_counts(a=3, b=1)
    assert opened.rows() == {"a": 3, "b": 1}
    await opened.task.close()


def store(harness: Harness) -> Path:
    return WriteTopology(harness.settings).store_path(0)


async def test_an_intact_disk_goes_on(counted: Harness) -> None:
    await goes_on(counted)


async def test_an_empty_disk_is_filled_from_the_changelog(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(store(counted))

    await goes_on(counted)

    assert "rebuilds" not in caplog.text


async def test_a_stale_disk_is_brought_up_to_date(counted: Harness, tmp_path: Path) -> None:
    shutil.copytree(store(counted), tmp_path / "old")
    opened = await counted.open()
    await counted.send(("b", b""))
    await opened.pump()
    await opened.task.close()
    shutil.rmtree(store(counted))
    shutil.copytree(tmp_path / "old", store(counted))

    opened = await counted.open()

    assert opened.rows() == {"a": 2, "b": 2}
    await opened.task.close()


async def test_a_damaged_disk_is_wiped_and_filled_again(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    for manifest in store(counted).glob("MANIFEST*"):
        manifest.write_bytes(b"damaged")

    await goes_on(counted)

    assert "it is damaged" in caplog.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"offset_next": 1_000_000}, "ahead of the changelog's end"),
        ({"offset_next": -1}, "the changelog begins at"),
        ({"written_at_s": 0.0}, "older than the changelog keeps deletions"),
        ({"topic_id": "another"}, "it belongs to another changelog"),
    ],
)
async def test_a_disk_that_does_not_fit_the_changelog_is_wiped_and_filled_again(
    counted: Harness, caplog: pytest.LogCaptureFixture, change: dict[str, object], said: str
) -> None:
    disk = StateStore(store(counted))
    assert disk.stored is not None
    disk.write([(b"count\0a", b"99")], replace(disk.stored, **change))
    disk.close()

    await goes_on(counted)

    assert said in caplog.text
    assert "rebuilds" not in caplog.text


async def test_a_disk_of_another_changelog_is_wiped_and_the_changelog_rebuilt_from_the_log(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await counted.recreate(counted.settings.changelog)

    await goes_on(counted)

    assert "it belongs to another changelog" in caplog.text
    assert "rebuilds everything" in caplog.text


async def test_a_changelog_created_again_under_a_running_worker_is_rebuilt(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    opened = await counted.open()
    await counted.recreate(counted.settings.changelog)
    await counted.send(("a", b""))
    await opened.pump()

    await opened.task.close()

    await counted.expect_counts(a=3, b=1)
    opened = await counted.open()
    assert opened.rows() == {"a": 3, "b": 1}
    assert "rebuilds everything" in caplog.text
    await opened.task.close()


async def test_a_rebuild_that_was_cut_short_is_begun_again(counted: Harness) -> None:
    await counted.recreate(counted.settings.changelog)
    async with AIOKafkaProducer(bootstrap_servers=counted.settings.bootstrap) as producer:
        await producer.send(counted.settings.changelog, b"7", b"count\0stray")

    await goes_on(counted)


async def test_another_fingerprint_folds_the_rows_anew_and_keeps_the_position(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    await goes_on(counted, fingerprint="2")

    assert "rebuilds the folded rows" in caplog.text


async def test_a_row_that_is_wrong_in_the_changelog_is_folded_from_the_log_when_a_person_asks_for_it(
    counted: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    async with AIOKafkaProducer(bootstrap_servers=counted.settings.bootstrap) as producer:
        for key, value in ((b"count\0a", b"7"), (b"count\0nobody", b"1"), (b"other\0answer", b"stays")):
            await producer.send_and_wait(counted.settings.changelog, value, key)
    wrong = await counted.open()
    assert wrong.rows() == {"a": 7, "b": 1, "nobody": 1}
    position = wrong.position
    await wrong.task.close()

    right = await counted.open(fold_again=True)

    assert (right.rows(), right.position) == ({"a": 2, "b": 1}, position)
    assert right.store.get(b"other\0answer") == b"stays", "what is not folded from events is left alone"
    assert "rebuilds the folded rows from the log: a person asked for it" in caplog.text
    await right.task.close()


async def test_rows_of_a_rebuild_that_was_cut_short_are_not_taken_by_the_code_that_made_them_before(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    newer = counted.start(fingerprint="broken")
    await until(lambda: "stays closed" in caplog.text, within_s=60)
    await newer.task.close()

    await goes_on(counted)


async def reset(harness: Harness) -> None:
    await harness.set_group_offset(0)


async def expire(harness: Harness) -> None:
    await harness.set_group_offset(3)
    await harness.expire_group()


@pytest.mark.parametrize("change", [reset, expire])
async def test_a_group_offset_that_was_reset_or_has_expired_is_said_and_not_used(
    counted: Harness, caplog: pytest.LogCaptureFixture, change: Callable[[Harness], Awaitable[None]]
) -> None:
    opened = await counted.open()
    opened.task.committed_to_group({counted.commands: 3})
    await counted.send(("b", b""))
    await opened.pump()
    await opened.task.close()
    await change(counted)

    opened = await counted.open()
    await opened.pump()

    await counted.expect_counts(a=2, b=2)
    assert "was reset or expired" in caplog.text
    await opened.task.close()


async def test_a_disk_without_room_is_not_taken_for_a_damaged_one_and_is_tried_again(
    counted: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_room(monkeypatch)
    opened = counted.start()
    await until(lambda: "there is no room" in caplog.text or "is wiped" in caplog.text, within_s=60)
    assert "is wiped" not in caplog.text

    monkeypatch.undo()
    await until(opened.task.ready.is_set, within_s=60)

    assert opened.rows() == {"a": 2, "b": 1}
    assert "is wiped" not in caplog.text
    await opened.task.close()


def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit files to 1,000 bytes while a store is opened. The system reports that like a full disk."""
    original, (soft, hard) = StateStore.__init__, resource.getrlimit(resource.RLIMIT_FSIZE)

    def crowded(store: StateStore, path: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
        try:
            original(store, path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    monkeypatch.setattr(StateStore, "__init__", crowded)


async def test_a_disk_that_fails_under_an_open_task_is_wiped_and_filled_again(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    opened = await counted.open()
    opened.store.close()

    await counted.send(("a", b""), ("b", b""))
    await opened.pump()

    assert "StateStoreError" in caplog.text
    await counted.expect_counts(a=3, b=2)
    assert opened.rows() == {"a": 3, "b": 2}
    await opened.task.close()


async def test_an_event_that_cannot_be_folded_keeps_its_partition_closed_and_is_named(counted: Harness, caplog: pytest.LogCaptureFixture) -> None:
    async with AIOKafkaProducer(bootstrap_servers=counted.settings.bootstrap) as producer:
        await producer.send(counted.settings.topic("events.count"), b'{"version": "of the future"', b"a")
    await counted.recreate(counted.settings.changelog)

    closed = counted.start()
    await until(lambda: "stays closed" in caplog.text, within_s=60)

    assert "events.count [0]" in caplog.text
    assert not closed.task.ready.is_set()
    await closed.task.close()


async def test_a_lost_log_of_record_stops_the_task_until_the_loss_is_accepted(counted: Harness) -> None:
    await counted.recreate(counted.settings.topic("events.count"))

    opened = await counted.open()
    await opened.task.close()
    assert "--accept-loss" in opened.task.stop_reason

    opened = await counted.open(accept_loss=True)
    assert opened.rows() == {}
    await opened.task.close()


async def test_input_that_was_deleted_before_it_was_read_stops_the_task_until_the_loss_is_accepted(counted: Harness) -> None:
    await counted.send(*[("a", b"")] * 4)
    await counted.delete_before(counted.commands, 5)

    opened = await counted.open()
    await opened.task.close()
    assert "2 records" in opened.task.stop_reason

    opened = await counted.open(accept_loss=True)
    await opened.pump()
    await counted.expect_counts(a=4, b=1)
    await opened.task.close()


async def test_records_parked_before_the_changelog_was_lost_still_hold_up_their_key(counted: Harness) -> None:
    opened = await counted.open()
    await counted.send(("b", b"raise"), ("b", b"waits"))
    await opened.pump()
    await opened.task.close()
    await counted.recreate(counted.settings.changelog)

    opened = await counted.open()
    await counted.send(("b", b"waits, too"), ("a", b""))
    await opened.pump()

    await counted.expect_counts(a=3, b=1)
    parked = await counted.records(counted.settings.topic("parked"))
    assert [record.value for record in parked] == [b"raise", b"waits", b"waits, too"]
    await opened.task.close()


async def test_lost_input_stops_the_task(counted: Harness) -> None:
    await counted.recreate(counted.settings.changelog)
    await counted.recreate(counted.settings.topic("results"))

    opened = await counted.open()
    await opened.task.close()

    assert "nothing says how far" in opened.task.stop_reason


async def test_a_changelog_that_cannot_be_read_stops_its_task_which_says_how_its_rows_come_back(counted: Harness) -> None:
    changelog = counted.settings.changelog
    async with AIOKafkaProducer(bootstrap_servers=counted.settings.bootstrap, compression_type="gzip", max_request_size=1 << 30) as producer:
        await producer.send_and_wait(changelog, bytes(BATCH_BYTES), b"x")

    opened = await counted.open(worker="next")
    await opened.task.close()
    assert f"delete the topic {changelog}, run `foldstream topics apply`" in opened.task.stop_reason

    await counted.recreate(changelog)
    opened = await counted.open(worker="next")
    assert opened.rows() == {"a": 2, "b": 1}
    await opened.task.close()
