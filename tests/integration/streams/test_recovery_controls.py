"""Negative controls of recovery, parking and views: with one mechanism switched off, the test of its guarantee fails."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.eventsourcing.recorded_event import RecordedEvent, recorded
from app.handlers import event_handler as _event
from app.streams.logs.ends import LogEnds
from app.streams.parking.guard import RecordGuard
from app.streams.projections.outbox import ViewOutbox
from app.streams.recovery import restore, takeover
from app.streams.recovery.changelog_identity import RebuildScope
from app.streams.recovery.changelog_rebuild import ChangelogRebuilder
from app.streams.recovery.takeover import TakeOver
from app.streams.state import store
from app.streams.state.positions import InputPosition
from app.streams.tasks import view_opening as view_store
from app.streams.tasks.task import Task
from app.streams.tasks.view_task import ViewTask
from app.streams.tasks.write_processor import WriteProcessor
from schemas.upcasters import NewerSchema
from tests.integration.streams import test_emptied, test_recovery, test_task, test_view, test_view_recovery
from tests.support.streams.harness import Harness
from tests.support.streams.view_harness import ViewHarness
from tests.support.streams.view_scenarios import mended_and_folded_anew

pytestmark = pytest.mark.control


async def test_a_foreign_disk_that_is_taken_for_the_own_is_found(counted: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restore, "unusable", lambda *_: None)

    with pytest.raises(AssertionError):
        await test_recovery.test_a_disk_that_does_not_fit_the_changelog_is_wiped_and_filled_again(counted, caplog, {"topic_id": "another"}, "")


async def test_a_full_disk_that_is_taken_for_a_damaged_one_is_found(
    counted: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "UNDAMAGED", {})

    with pytest.raises(AssertionError):
        await test_recovery.test_a_disk_without_room_is_not_taken_for_a_damaged_one_and_is_tried_again(counted, caplog, monkeypatch)


async def test_a_changelog_without_identity_that_is_taken_as_it_is_is_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "compare", lambda *_, **__: (RebuildScope.NOTHING, "not looked at"))

    with pytest.raises(AssertionError):
        await test_recovery.test_a_rebuild_that_was_cut_short_is_begun_again(counted)


async def test_rows_that_are_folded_again_together_with_what_no_log_has_are_found(
    counted: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ChangelogRebuilder, "_folded", lambda self: self._unit.rows.store.scan(b""))

    with pytest.raises(AssertionError):
        await test_recovery.test_a_row_that_is_wrong_in_the_changelog_is_folded_from_the_log_when_a_person_asks_for_it(counted, caplog)


async def test_a_lost_log_of_record_that_nobody_notices_is_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LogEnds, "lost", lambda *_: None)
    monkeypatch.setattr(takeover, "compare", lambda *_, **__: (RebuildScope.NOTHING, "not looked at"))

    with pytest.raises(AssertionError):
        await test_recovery.test_a_lost_log_of_record_stops_the_task_until_the_loss_is_accepted(counted)


async def test_lost_input_that_nobody_notices_is_found(counted: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "check", lambda _topic, offset_next, *_, **__: offset_next)

    with pytest.raises(AssertionError):
        await test_recovery.test_input_that_was_deleted_before_it_was_read_stops_the_task_until_the_loss_is_accepted(counted)


async def test_a_position_that_stays_below_commit_markers_is_found(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def in_memory_alone(self: WriteProcessor, offsets: Mapping[str, int]) -> None:
        for topic, offset in offsets.items():
            self._move(topic, offset)
        self.unit.drop()
        self.positions.update(self._ahead)

    monkeypatch.setattr(WriteProcessor, "pass_over", in_memory_alone)

    with pytest.raises(AssertionError):
        await test_emptied.test_a_topic_that_was_emptied_after_it_was_read_is_no_loss(harness)


async def test_a_group_offset_that_is_used_for_the_position_is_found(
    counted: Harness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = TakeOver._position

    async def as_the_group_says(self: TakeOver, cluster: Any, topic: str, committed: int | None) -> InputPosition:  # noqa: ANN401 (a Cluster)
        position = await original(self, cluster, topic, committed)
        return position if committed is None else InputPosition(position.topic_id, committed)

    monkeypatch.setattr(TakeOver, "_position", as_the_group_says)

    with pytest.raises(AssertionError):
        await test_recovery.test_a_group_offset_that_was_reset_or_has_expired_is_said_and_not_used(counted, caplog, test_recovery.reset)


async def test_a_record_that_does_not_wait_behind_a_parked_one_of_its_key_is_found(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordGuard, "_behind", lambda *_: None)

    with pytest.raises(AssertionError):
        await test_task.test_records_behind_a_parked_one_wait_in_order_also_after_a_restart(harness)


async def test_a_view_that_serves_as_soon_as_it_is_open_is_found(views: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ViewTask, "serving", Task.serving)

    with pytest.raises(AssertionError):
        await test_view.test_a_view_does_not_serve_before_it_is_where_the_log_ended_when_it_opened(views)


async def test_a_view_that_does_not_compare_its_logs_is_found(folded: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view_store, "_lost", lambda *_, **__: None)

    with pytest.raises(AssertionError):
        await test_view_recovery.test_a_view_whose_log_was_created_again_stops_and_keeps_its_rows_until_the_loss_is_accepted(folded)


async def test_a_view_folded_anew_that_says_nothing_of_what_it_can_take_now_is_found(views: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ViewOutbox, "waits", lambda *_: False)

    with pytest.raises(AssertionError):
        await mended_and_folded_anew(views)


@pytest.mark.long
async def test_a_view_that_parks_what_only_later_code_can_read_is_found(
    views: ViewHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def readable_or_damaged(value: bytes) -> RecordedEvent:
        try:
            return recorded(value)
        except NewerSchema as error:
            raise ValueError(error) from error

    monkeypatch.setattr(_event, "recorded", readable_or_damaged)

    with pytest.raises(TimeoutError):  # it continues and never stops
        await test_view.test_an_event_of_a_newer_schema_stops_the_view_and_is_neither_skipped_nor_parked(views, caplog)
