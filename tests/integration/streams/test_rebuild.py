"""Rebuilds: new rows of a table are built beside the visible ones, and replace them in one step."""

import pytest

from app.eventsourcing.history import Latest
from app.eventsourcing.recorded_event import RecordedEvent
from app.streams.errors import ReadModelUnavailable
from app.streams.parking import rows as parking
from app.streams.projections.generations import BuildInProgress, Generations, NothingToRollBackTo
from app.streams.rebuild.coordinator import BuildAction
from app.streams.state.table import Table
from tables.history import History, entries, versions
from tests.support.streams.rebuild_scenarios import Changed, ask, built, done, killed_at_every_step, reads_never_go_back, rebuilt
from tests.support.streams.view_harness import Failing, OpenedView, ViewHarness, event
from tests.support.waiting import until


@pytest.fixture
async def opened(folded: ViewHarness) -> OpenedView:
    """Open view that folded a=2, b=1."""
    opened = await folded.open_view()
    await opened.pump()
    return opened


async def test_rows_are_rebuilt_and_are_the_same_byte_by_byte(folded: ViewHarness, opened: OpenedView) -> None:
    found = await rebuilt(opened)

    assert found.generations.live is not None
    assert (found.generations.live.number, found.generations.numbers, found.shown) == (2, {1, 2}, True)
    assert found.generations.last is not None
    assert found.generations.last.digests is not None
    assert len(set(found.generations.last.digests)) == 1
    await folded.write_events(("a", 3))
    await opened.pump()
    assert (opened.versions(), opened.history("a")) == ({"a": 3, "b": 1}, [1, 2, 3])
    await opened.task.close()


async def test_a_row_that_was_changed_by_hand_is_told_by_the_digests_and_made_good(opened: OpenedView, caplog: pytest.LogCaptureFixture) -> None:
    opened.task.store.write([(b"history\0Order/a/" + b"2".rjust(20, b"0"), event("a", 2, eventType="OrderShipped"))])

    found = await rebuilt(opened)

    assert found.generations.last is not None
    assert found.generations.last.digests is not None
    assert len(set(found.generations.last.digests)) == 2
    assert "OTHER rows than before" in caplog.text
    assert b"OrderConfirmed" in dict(opened.harness.model.committed(opened.task.store, "Order", "a", 2))[2]
    await opened.task.close()


async def test_the_second_rebuild_drops_the_rows_before_the_first(opened: OpenedView) -> None:
    await rebuilt(opened, "r-1")

    found = await rebuilt(opened, "r-2")

    assert found.generations.numbers == {2, 3}
    assert not [key for key in opened.rows() if b"@history.1\0" in key]
    await opened.task.close()


async def test_a_request_that_is_repeated_begins_nothing_anew(opened: OpenedView) -> None:
    await rebuilt(opened)

    found = await ask(opened, "rebuild", "r-1")

    assert (found.generations.build, found.generations.highest) == (None, 2)
    await opened.task.close()


async def test_rows_that_are_rolled_back_to_were_brought_up_to_date(folded: ViewHarness, opened: OpenedView) -> None:
    await rebuilt(opened)
    await folded.write_events(("a", 3), ("c", 1))
    await opened.pump()

    await ask(opened, "rollback", "back")
    found = await done(opened, "back")

    assert found.generations.live is not None
    assert found.generations.live.number == 1
    assert opened.versions() == {"a": 3, "b": 1, "c": 1}
    await opened.task.close()


async def test_there_is_nothing_to_go_back_to_before_a_rebuild(opened: OpenedView) -> None:
    with pytest.raises(NothingToRollBackTo):
        await ask(opened, "rollback", "back")
    await opened.task.close()


async def test_a_rollback_does_not_pass_for_the_rebuild_that_is_under_way(opened: OpenedView) -> None:
    await rebuilt(opened, "r-1")
    await ask(opened, "rebuild", "r-2")
    await ask(opened, "pause", "r-2")

    with pytest.raises(BuildInProgress):
        await ask(opened, "rollback", "back")
    await opened.task.close()


async def test_a_build_that_is_paused_stands_still_also_over_a_restart_until_it_is_to_go_on(folded: ViewHarness, opened: OpenedView) -> None:
    await ask(opened, "rebuild", "r-1")
    await ask(opened, "pause", "r-1")
    await opened.task.close()

    opened = await folded.open_view()
    await folded.write_events(("a", 3))
    await opened.pump()
    found = built(opened)
    assert found.generations.build is not None
    assert (found.generations.build.paused, found.generations.last) == (True, None)

    await ask(opened, "rebuild", "r-1")
    await done(opened, "r-1")
    assert opened.versions() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_rows_of_other_code_are_not_shown_until_they_are_rebuilt_and_that_is_said(
    folded: ViewHarness, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Generations, "active", property(lambda _: False))
        opened = await folded.open_view(Changed(folded))
        assert opened.task.unshown == ["history"]
        with pytest.raises(ReadModelUnavailable):
            opened.versions()

    await ask(opened, "rebuild", "at once")
    await until(lambda: opened.task.unshown == [], within_s=30)

    assert "table history is not shown until its rows are built" in caplog.text
    assert opened.versions() == {"a": 2, "b": 1}
    await opened.task.close()


async def test_older_code_goes_on_with_the_rows_that_it_left(folded: ViewHarness) -> None:
    opened = await folded.open_view(Changed(folded))
    await until(lambda: opened.task.unshown == [], within_s=30)
    await folded.write_events(("a", 3))
    await opened.pump()
    await opened.task.close()

    opened = await folded.open_view()
    await until(lambda: opened.task.unshown == [], within_s=30)

    state = built(opened).generations
    assert state.live is not None
    assert (state.live.number, state.highest) == (1, 2)
    assert opened.versions() == {"a": 3, "b": 1}
    await opened.task.close()


async def test_code_that_comes_back_before_a_build_is_done_goes_on_at_once(folded: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Generations, "active", property(lambda _: False))
        opened = await folded.open_view(Changed(folded))
        await folded.write_events(("a", 3))
        await opened.pump()
        assert opened.task.unshown == ["history"]
        await opened.task.close()

    opened = await folded.open_view()
    await opened.pump()

    assert (opened.task.unshown, opened.versions()) == ([], {"a": 3, "b": 1})
    await opened.task.close()


async def test_reads_during_rebuilds_never_fail_and_never_go_back(views: ViewHarness) -> None:
    await reads_never_go_back(views)


@pytest.mark.parametrize("wish", ["rebuild", "rollback"])
async def test_a_worker_that_is_killed_at_any_step_of_a_build_goes_on_with_it(folded: ViewHarness, wish: BuildAction) -> None:
    await killed_at_every_step(folded, wish)


async def test_an_event_that_later_code_can_take_is_released_when_its_rows_are_shown(views: ViewHarness) -> None:
    failing = await views.open_view(Failing(views, 1_000))
    await views.write_events(("bad", 1), ("a", 1), ("bad", 2))
    await failing.pump()
    await failing.task.close()

    opened = await views.open_view()
    await opened.pump()
    await rebuilt(opened)

    assert opened.versions() == {"a": 1, "bad": 2}
    assert await views.said() == [(0, "failed"), (2, "behind-parked"), (0, "released"), (2, "released")]
    assert list(parking.listed(opened.task.store, "", 0)) == []
    await opened.task.close()


async def test_rows_in_which_events_are_parked_that_the_live_ones_have_are_not_shown(folded: ViewHarness) -> None:
    model = Failing(folded, 0)
    opened = await folded.open_view(model)
    await folded.write_events(("bad", 1))
    await opened.pump()
    model.times = 1_000

    await ask(opened, "rebuild", "r-1")
    await until(lambda: (build := built(opened).generations.build) is not None and build.fault != "", within_s=30)

    assert opened.versions() == {"a": 2, "b": 1, "bad": 1}
    assert await folded.parked() == []
    model.times = 0
    await rebuilt(opened, "r-2")
    assert opened.versions() == {"a": 2, "b": 1, "bad": 1}
    await opened.task.close()


async def test_an_event_that_is_parked_stays_so_in_new_rows_and_can_be_released(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 2), ("b", 3))
    await opened.pump()

    found = await rebuilt(opened)
    await opened.release(1, "not needed")

    assert found.generations.last is not None
    assert found.generations.last.parked == 2

    assert await views.said() == [(1, "out-of-order"), (2, "behind-parked"), (1, "discarded"), (2, "out-of-order")]
    await opened.task.close()


class Forgetful(History):
    """Read model that writes to a table which is no attribute of it."""

    def apply(self, before: Latest | None, event: RecordedEvent, value: bytes) -> None:
        """Fold, and change that table."""
        super().apply(before, event, value)
        stray[event.aggregate_id] = (stray.get(event.aggregate_id) or 0) + 1


stray = Table[int](None, name="stray", value_type=int)


async def test_a_table_that_is_no_attribute_of_a_read_model_is_refused(views: ViewHarness) -> None:
    model = Forgetful(views.settings, entries, versions)
    model.events = views.model.events
    opened = await views.open_view(model)
    await views.write_events(("a", 1))

    await opened.pump()

    [(_, _, headers)] = await views.parked()
    assert b"no read model has the table 'stray'" in headers["parked-error"]
    await opened.task.close()
