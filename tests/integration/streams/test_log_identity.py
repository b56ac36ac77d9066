"""Log of record that was recreated, cut short, copied or given more partitions: the tasks of its partitions stop, and no rows are wiped."""

import dataclasses
import shutil
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from msgspec.structs import replace

from app.streams.errors import DataLossDetected
from app.streams.logs.ends import MARKER, LogEnds, log_ends
from app.streams.parking.record import ParkedRecord, parse
from app.streams.recovery.changelog_identity import ROW, identities
from app.streams.recovery.changelog_rebuild import ChangelogRebuilder
from app.streams.state.store import StateStore
from app.streams.tasks.write_task import WriteTask
from app.streams.topology import WriteTopology
from tests.support.streams.harness import Flow, Harness
from tests.support.streams.view_harness import ViewHarness
from tests.support.topics import led
from tests.support.waiting import until


async def test_a_log_created_again_under_an_open_task_takes_no_event(counted: Harness) -> None:
    await created_again_under_an_open_task(counted)


@pytest.mark.control
async def test_offsets_of_events_that_are_not_compared_are_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogEnds, "check", lambda *_: None)

    with pytest.raises(TimeoutError):  # it continues and never stops
        await created_again_under_an_open_task(counted, within_s=5)


async def created_again_under_an_open_task(counted: Harness, within_s: float = 60) -> None:
    """Recreate the log under an open task.

    The next event gets an offset below the last one: its transaction is aborted, the rows are kept, and the operator decides.
    """
    opened = await counted.open()
    try:
        await counted.recreate(counted.settings.topic("events.count"))
        await counted.send(("a", b""))
        handed_over = opened.hand_over()
        await until(lambda: opened.task.stopped, within_s)
        assert "events.count [0] ends at 0, below" in opened.task.stop_reason
        assert "--accept-loss" in opened.task.stop_reason
        assert await counted.versions() == {}
        await handed_over
    finally:
        await opened.task.close()
    assert kept(counted) == 2


def kept(harness: Harness) -> int | None:
    """Return the count of `a` on the disk of a closed task."""
    store = StateStore(WriteTopology(harness.settings).store_path(0))
    raw = store.get(b"count\0a")
    store.close()
    return None if raw is None else int(raw)


async def on_its_disk(harness: Harness, change: Callable[[StateStore], None]) -> None:
    """Change what the task's rows on disk record about the log."""
    store = StateStore(WriteTopology(harness.settings).store_path(0))
    change(store)
    store.close()


async def in_its_changelog(harness: Harness, change: Callable[[StateStore], None]) -> None:
    """Change what the rows in the changelog record about the log, and lose the disk."""
    written: list[tuple[bytes, bytes | None]] = []
    path = WriteTopology(harness.settings).store_path(0)
    store = StateStore(path)
    store.write = lambda changes, _=None: written.extend(changes)  # type: ignore[method-assign,assignment]
    change(store)
    store.close()
    async with AIOKafkaProducer(bootstrap_servers=harness.settings.bootstrap) as producer:
        for key, value in written:
            await producer.send(harness.settings.changelog, value, key)
    shutil.rmtree(path)


def longer(store: StateStore) -> None:
    """Pretend that the log had one transaction with one more record than it has now."""
    _lengthen(store, 2)


def without_marker(store: StateStore) -> None:
    """Pretend that the last transaction's marker is missing in the log, as if its broker was killed before writing it."""
    _lengthen(store, MARKER)


def _lengthen(store: StateStore, offsets: int) -> None:
    [(log, end)] = log_ends.rows(store)
    store.write([(log_ends.prefix + log.encode(), log_ends.encode(end + offsets))], store.stored)


def elsewhere(store: StateStore) -> None:
    """Pretend that the rows come from the log of another cluster."""
    _identify(store, cluster_id="another")


def repartitioned(store: StateStore) -> None:
    """Pretend that the log was written with another number of partitions."""
    _identify(store, partitions=2)


def _identify(store: StateStore, **change: object) -> None:
    identity = identities.committed(store, ROW)
    assert identity is not None
    store.write([(identities.prefix + ROW.encode(), identities.encode(replace(identity, **change)))], store.stored)


@pytest.mark.parametrize("where", [on_its_disk, in_its_changelog])
@pytest.mark.parametrize(("change", "said"), [(longer, "the end behind the last transaction"), (elsewhere, "the Kafka cluster another")])
async def test_a_task_that_knows_more_than_the_log_has_does_not_open_until_the_loss_is_accepted(
    counted: Harness, where: Callable[[Harness, Callable[[StateStore], None]], Awaitable[None]], change: Callable[[StateStore], None], said: str
) -> None:
    await where(counted, change)

    opened = await counted.open()
    await opened.task.close()
    assert said in opened.task.stop_reason
    assert kept(counted) == 2

    opened = await counted.open(accept_loss=True)
    assert opened.rows() == {"a": 2, "b": 1}, "they are folded again from what is there"
    await counted.send(("a", b""))
    await opened.pump()
    await counted.expect_counts(a=3, b=1)
    await opened.task.close()


async def test_a_loss_is_accepted_once_and_not_whenever_the_partition_comes_back(counted: Harness) -> None:
    opened = await counted.open(accept_loss=True)
    await opened.task.close()
    await counted.recreate(counted.settings.topic("events.count"))

    again = WriteTask(opened.task._side, 0, Flow(member=True))  # noqa: SLF001 (the same worker)
    again.start()
    await until(lambda: again.stopped or again.ready.is_set(), within_s=60)
    await again.close()

    assert "was deleted and created again" in again.stop_reason


@pytest.mark.control
async def test_ends_that_a_take_over_does_not_compare_are_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogEnds, "lost", lambda *_: None)

    with pytest.raises(AssertionError):
        await test_a_task_that_knows_more_than_the_log_has_does_not_open_until_the_loss_is_accepted(counted, in_its_changelog, longer, "its end")


async def test_a_log_that_lacks_the_marker_of_the_last_transaction_has_lost_nothing(counted: Harness) -> None:
    await in_its_changelog(counted, without_marker)

    opened = await counted.open()
    await counted.send(("a", b""))
    await opened.pump()

    assert opened.rows() == {"a": 3, "b": 1}
    await opened.task.close()


def test_a_transaction_goes_on_behind_a_marker_that_is_missing_and_not_behind_a_record() -> None:
    where = TopicPartition("events.count", 0)
    ends = LogEnds({where: 10})

    ends.check({where: 9})
    with pytest.raises(DataLossDetected, match="ends at 8, below 10"):
        ends.check({where: 8})


async def test_the_end_in_the_row_is_the_end_of_the_log(counted: Harness) -> None:
    opened = await counted.open()
    for _ in range(2):
        await counted.send(("a", b""), ("b", b""))
        await opened.pump()

    [(_, foreseen)] = log_ends.rows(opened.store)
    await opened.task.close()

    async with AIOKafkaProducer(bootstrap_servers=counted.settings.bootstrap) as producer:
        behind = await producer.send_and_wait(counted.settings.topic("events.count"), b"what follows the marker of the last commit")
    assert behind.offset == foreseen


async def test_a_changelog_created_again_does_not_hide_that_the_log_was(counted: Harness) -> None:
    await counted.recreate(counted.settings.topic("events.count"))
    await counted.recreate(counted.settings.changelog)

    opened = await counted.open()
    await opened.task.close()

    assert "was deleted and created again" in opened.task.stop_reason
    assert kept(counted) == 2


async def test_another_number_of_partitions_stops_a_task_whatever_is_accepted(counted: Harness) -> None:
    await on_its_disk(counted, repartitioned)

    opened = await counted.open(accept_loss=True)
    await opened.task.close()

    assert "written with 2 partitions" in opened.task.stop_reason
    assert "FOLDSTREAM_PARTITIONS=2" in opened.task.stop_reason


async def test_partitions_that_were_added_stop_tasks_and_views(counted: Harness, folded: ViewHarness) -> None:
    await add_partitions(counted, counted.commands)
    await add_partitions(folded, folded.orders)

    task, view = await counted.open(), await folded.open_view()
    await task.task.close()
    await view.task.close()

    assert f"{counted.commands} has 2 partitions, and the log was written with 1" in task.task.stop_reason
    assert f"{folded.orders} has 2 partitions, and the log was written with 1" in view.task.stop_reason


async def add_partitions(harness: Harness, topic: str) -> None:
    """Give a topic a second partition."""
    admin = AIOKafkaAdminClient(bootstrap_servers=harness.settings.bootstrap)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(total_count=2)})
    await led(admin, topic, 2)
    await admin.close()


async def test_an_identity_of_an_earlier_version_is_completed(counted: Harness) -> None:
    await in_its_changelog(counted, lambda store: _identify(store, partitions=0))

    opened = await counted.open()
    await opened.task.close()

    store = StateStore(WriteTopology(counted.settings).store_path(0))
    identity = identities.committed(store, ROW)
    store.close()
    assert identity is not None
    assert identity.partitions == 1


async def test_offsets_in_results_count_only_for_the_topic_that_they_were_read_from(counted: Harness) -> None:
    await commands_created_again_without_a_changelog(counted)


@pytest.mark.control
async def test_offsets_that_are_taken_for_those_of_another_topic_pass_over_commands(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    note = ChangelogRebuilder._note  # noqa: SLF001 (a control replaces what is inside)

    def of_any_topic(self: ChangelogRebuilder, record: ConsumerRecord, what: str, seen: dict[str, int]) -> None:
        ours = [(f"{what}-topic-id", self._cluster.topic_ids[counted.commands].encode())]
        note(self, replace_headers(record, [*record.headers, *ours]), what, seen)

    monkeypatch.setattr(ChangelogRebuilder, "_note", of_any_topic)

    with pytest.raises(AssertionError):
        await commands_created_again_without_a_changelog(counted)


async def commands_created_again_without_a_changelog(counted: Harness) -> None:
    """Lose the changelog and recreate the command topic.

    The positions in the results belong to the former topic. The new one is read from its beginning once the operator accepts the loss.
    """
    await counted.recreate(counted.settings.changelog)
    await counted.recreate(counted.commands)
    await counted.send(*[("a", b"")] * 5)

    opened = await counted.open()
    await opened.task.close()
    assert "nothing says how far" in opened.task.stop_reason

    opened = await counted.open(accept_loss=True)
    await opened.pump()
    await counted.expect_counts(a=7, b=1)
    await opened.task.close()


def replace_headers(record: ConsumerRecord, headers: list[tuple[str, bytes]]) -> ConsumerRecord:
    """Return the same record with other headers."""
    return dataclasses.replace(record, headers=tuple(headers))


async def test_a_parked_record_that_is_retried_names_the_topic_that_it_was_read_from(counted: Harness) -> None:
    opened = await counted.open()
    await counted.send(("b", b"raise"))
    await opened.pump()
    parked = topic_ids(await counted.records(counted.settings.topic("parked")), "parked")
    await opened.task.close()
    await counted.recreate(counted.commands)

    opened = await counted.open()
    opened.counting.mended = {b"raise"}
    assert await opened.retry(3) is None
    await opened.task.close()

    results = topic_ids(await counted.records(counted.settings.topic("results")), "command")
    assert len({*parked, *results}) == 1, "its offset is none of the topic that has its name now"


def topic_ids(records: list[ConsumerRecord], what: str) -> list[bytes]:
    """Return the ids of the topics that records name as their origin."""
    return [dict(record.headers)[f"{what}-topic-id"] for record in records]


async def test_a_discard_counts_only_for_the_log_that_it_was_about(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("b", 2))
    await opened.pump()
    assert await opened.release(0, "never was") is None
    await opened.task.close()
    await views.recreate(views.orders)
    await views.write_events(("a", 2))

    opened = await views.open_view(accept_loss=True)
    await opened.pump()
    await opened.task.close()

    assert await views.said() == [(0, "out-of-order"), (0, "discarded"), (0, "out-of-order")]


async def test_a_record_that_an_earlier_version_parked_is_read(counted: Harness) -> None:
    opened = await counted.open()
    await counted.send(("b", b"raise"))
    await opened.pump()
    [record] = await counted.records(counted.settings.topic("parked"))
    await opened.task.close()

    before = parse(replace_headers(record, [header for header in record.headers if header[0] != "parked-topic-id"]))

    assert isinstance(before, ParkedRecord)
    assert (before.offset, before.reason, before.headers, before.topic_id) == (3, "failed", [], "")
