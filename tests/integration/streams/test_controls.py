"""Negative controls: with one mechanism of the runtime switched off, the scenario of its guarantee fails."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import TopicPartition

from app.domain.read_models import customer_name
from app.streams.kafka.reader import reading
from app.streams.kafka.transactions import Transaction, producer
from app.streams.parking.release import ParkedReleaser
from app.streams.processing.handlers import RecordHandler
from app.streams.processing.record_queue import BatchQueue, QueuedBatch, RecordBatch
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.projections.outbox import ViewOutbox
from app.streams.projections.projector import ViewUnitOfWork
from app.streams.state.positions import positions
from app.streams.tasks.write_processor import WriteProcessor
from app.streams.tasks.write_task import WriteTask
from tests.support.streams.harness import Flow, Harness
from tests.support.streams.join_harness import JoinHarness
from tests.support.streams.join_scenarios import killed_around_the_write_that_follows_a_feed, told_by_two_owners
from tests.support.streams.scenarios import (
    fenced_too_late,
    interrupted,
    not_a_member,
    opened_anew_between_two_batches,
    overtaken,
    partly_refused,
    released_in_the_middle,
    restarted,
)
from tests.support.streams.view_harness import ViewHarness
from tests.support.streams.view_scenarios import killed_around_a_write, killed_when_kafka_alone_knows_of_a_release, lost_disk

pytestmark = pytest.mark.control

Off = Callable[..., Any]
"""Function that replaces a method of the runtime, without the mechanism."""


@pytest.fixture
def switch_off(monkeypatch: pytest.MonkeyPatch) -> Callable[[type, Off], None]:
    """Replace the method of a class that has the function's name."""
    return lambda kind, off: monkeypatch.setattr(kind, off.__name__, off)


async def test_a_position_that_is_read_before_the_fence_is_found(
    harness: Harness, switch_off: Callable[[type, Off], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(*_: object) -> None:
        """Do not wait."""

    async def _open(self: WriteTask) -> None:
        settings = self._side.settings
        self._producer = producer(settings.bootstrap, f"{settings.app_id}-{self.partition}")
        monkeypatch.setattr(self._predecessor, "finish", at_once)  # the original would wait for the former owner, too
        async with reading(settings.bootstrap) as consumer:
            await self._take_over(self._producer, consumer)
        await self._producer.start()

    former_open = WriteTask._open

    async def fenced_late_for_the_successor(self: WriteTask) -> None:
        await (_open(self) if self._side.settings.datadir.name == "successor" else former_open(self))

    fenced_late_for_the_successor.__name__ = "_open"
    switch_off(WriteTask, fenced_late_for_the_successor)

    with pytest.raises(AssertionError):
        await overtaken(harness)


async def test_rows_that_are_written_before_the_commit_are_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    original = TransactionalUnitOfWork.commit

    async def commit(self: TransactionalUnitOfWork) -> None:
        stored = self.rows.store.stored
        assert stored is not None, "a rebuild writes nothing here"
        self.rows.store.write(self.rows.changes(), stored)
        await original(self)

    switch_off(TransactionalUnitOfWork, commit)

    with pytest.raises(AssertionError):
        await interrupted(harness, "commit_transaction", after=False)


async def test_a_position_that_is_not_in_the_transaction_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    def _reach(self: WriteProcessor, last: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        before = self._position(last.topic)
        self._ahead[last.topic] = type(before)(before.topic_id, last.offset + 1)

    switch_off(WriteProcessor, _reach)

    with pytest.raises(AssertionError):
        await restarted(harness)


async def test_a_batch_that_is_kept_over_a_take_over_in_place_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    async def put(self: BatchQueue, batch: RecordBatch, handler: RecordHandler) -> None:
        work = QueuedBatch(batch, handler, asyncio.get_running_loop().create_future())
        self._works.append(work)
        self._filled.set()
        await work.done

    switch_off(BatchQueue, put)

    with pytest.raises(AssertionError):
        await opened_anew_between_two_batches(harness)


async def test_a_worker_that_fences_without_asking_its_group_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    async def owned(_self: Flow) -> bool:
        return True

    switch_off(Flow, owned)

    with pytest.raises((AssertionError, TimeoutError)):  # two tasks that fence each other never end
        await not_a_member(harness)


async def test_a_worker_that_asks_its_group_only_before_it_fences_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    original = WriteTask._until_owned

    async def _until_owned(self: WriteTask) -> None:
        if self._producer is None:
            await original(self)

    switch_off(WriteTask, _until_owned)

    with pytest.raises(AssertionError, match="serves it"):
        await fenced_too_late(harness)


async def test_a_refused_batch_that_is_ignored_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    async def _commit(self: Transaction, _check: object) -> dict[TopicPartition, int]:
        await self._producer.begin_transaction()
        sent = [(where, batch.record_count(), await self._send(where, batch)) for where, batches in self._batches.items() for batch in batches]
        results: list[Any] = await asyncio.gather(*(future for _, _, future in sent), return_exceptions=True)
        await self._producer.commit_transaction()
        good = [(where, result.offset + count) for (where, count, _), result in zip(sent, results, strict=True) if not isinstance(result, BaseException)]
        return {TopicPartition(*where): offset_next for where, offset_next in good}

    switch_off(Transaction, _commit)

    with pytest.raises(AssertionError):
        await partly_refused(harness)


async def test_positions_of_a_view_that_are_written_before_its_rows_are_found(views: ViewHarness, switch_off: Callable[[type, Off], None]) -> None:
    async def commit(self: ViewUnitOfWork) -> None:
        changes = self.rows.changes()
        store = self.rows.store
        store.disk.write([change for change in changes if change[0].startswith(store.prefix(positions.prefix))])
        store.disk.write([change for change in changes if not change[0].startswith(store.prefix(positions.prefix))])
        self.drop()

    switch_off(ViewUnitOfWork, commit)

    with pytest.raises(AssertionError):
        await killed_around_a_write(views, after=True)


async def test_a_view_that_parks_without_reading_what_is_parked_is_found(views: ViewHarness, switch_off: Callable[[type, Off], None]) -> None:
    async def read(_self: ViewOutbox, _consumer: object) -> None:
        pass

    switch_off(ViewOutbox, read)

    with pytest.raises(AssertionError):
        await lost_disk(views)


async def test_a_release_that_no_successor_goes_on_with_is_found(harness: Harness, switch_off: Callable[[type, Off], None]) -> None:
    original = ParkedReleaser.__init__

    def __init__(self: ParkedReleaser, *words: Any) -> None:  # noqa: ANN401, N807 (stands for the method)
        original(self, *words)
        self._following.clear()

    switch_off(ParkedReleaser, __init__)

    with pytest.raises(AssertionError):
        await released_in_the_middle(harness, "commit_transaction", calls=1, after=True)


async def test_a_view_that_does_not_ask_the_topic_what_is_parked_is_found(views: ViewHarness, switch_off: Callable[[type, Off], None]) -> None:
    async def agrees(_self: ViewOutbox, _rows: object) -> bool:
        return True

    switch_off(ViewOutbox, agrees)

    with pytest.raises(AssertionError):
        await killed_when_kafka_alone_knows_of_a_release(views)


@pytest.mark.parametrize("side", ["orders", "customers"])
async def test_a_feed_that_is_written_after_the_rows_is_found(joined: JoinHarness, switch_off: Callable[[type, Off], None], side: str) -> None:
    async def commit(self: ViewUnitOfWork) -> None:
        self.rows.commit(self.rows.changes())
        await self._outlet.write(self.outgoing)
        self.drop()

    switch_off(ViewUnitOfWork, commit)
    topic = joined.summaries.events[0] if side == "orders" else joined.accounts.feeds[0]

    with pytest.raises(AssertionError):
        await killed_around_the_write_that_follows_a_feed(joined, topic, after=True)


async def test_a_name_that_is_taken_over_whatever_its_version_is_found(joined: JoinHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_name, "project", lambda _known, told: told)

    with pytest.raises(AssertionError):
        await told_by_two_owners(joined)
