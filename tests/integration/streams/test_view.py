"""Processing of events by a view task."""

from random import Random
from typing import Any

import pytest
from msgspec import Raw

from app.eventsourcing.history import Latest
from app.streams.errors import StateStoreError
from app.streams.parking import rows as parking
from app.streams.processing.record_queue import RecordBatch
from app.streams.state.store import StateStore
from app.streams.state.table import Table
from tables.history import History
from tests.support.streams.view_harness import Failing, OpenedView, ViewHarness, event
from tests.support.streams.view_scenarios import killed_around_a_write, lost_disk
from tests.support.waiting import until


async def test_events_become_rows_and_another_opening_goes_on_behind_them(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 1), ("a", 2))
    await opened.pump()
    assert opened.versions() == {"a": 2, "b": 1}
    await opened.task.close()

    opened = await views.open_view()
    await views.write_events(("a", 3))
    await opened.pump()

    assert opened.flow.starts[0][views.orders] == 3
    assert opened.history("a") == [1, 2, 3]
    await opened.task.close()


async def test_a_view_does_not_serve_before_it_is_where_the_log_ended_when_it_opened(views: ViewHarness) -> None:
    await views.write_events(("a", 1), ("a", 2), transactional=True)
    first, *_ = await views.records(views.orders)  # once the broker has written the commit marker, which it does after its answer
    opened = await views.open_view()

    await opened.task.process(RecordBatch(views.orders, 0, opened.task.opening, [first]), opened.events)
    assert opened.versions() == {"a": 1}
    assert not opened.task.serving

    await opened.pump()
    assert opened.task.serving, "a commit marker is the last in the log, and no event"
    await opened.task.close()


@pytest.fixture
async def told(views: ViewHarness) -> ViewHarness:
    """Log of 60 events of 7 orders, and the rows of a view that folded it in one batch.

    The log has a gap, a repeated version and a late one.
    """
    versions = dict.fromkeys("abcdefg", 0)
    events = []
    for number in range(60):
        order_id = "abcdefg"[number * number % 7]
        versions[order_id] += 2 if number == 30 else 1
        events.append((order_id, versions[order_id]))
    events.insert(20, events[5])
    await views.write_events(*events)
    opened = await views.open_view(worker="whole")
    await opened.pump()
    views.expected = opened.rows()
    await opened.task.close()
    return views


async def test_rows_do_not_depend_on_how_events_are_fetched_and_fetched_again(told: ViewHarness) -> None:
    for seed in range(5):
        luck = Random(seed)  # noqa: S311 (each run with one seed must be the same)
        opened = await told.open_view(worker=str(seed))
        await opened.pump([luck.randint(1, 25) for _ in range(luck.randint(0, 12))])
        again = await told.records(told.orders, luck.randint(0, 60))
        await opened.task.process(RecordBatch(told.orders, 0, opened.task.opening, again), opened.events)

        assert opened.rows() == told.expected, f"seed {seed}"
        await opened.task.close()


async def test_an_event_after_a_gap_is_parked_and_those_behind_it_wait_also_after_a_restart(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 2), ("b", 3), ("a", 2))
    await opened.pump()
    await opened.task.close()

    opened = await views.open_view()
    await views.write_events(("b", 1), ("a", 3))
    await opened.pump()

    assert opened.versions() == {"a": 3}
    parked = await views.parked()
    assert [(value, headers["parked-reason"]) for _, value, headers in parked] == [
        (event("b", 2), b"out-of-order"),
        (event("b", 3), b"behind-parked"),
        (event("b", 1), b"behind-parked"),
    ]
    key, _, headers = parked[0]
    assert (key, headers["parked-agent"], headers["parked-topic"], headers["parked-offset"]) == (b"b", b"history", views.orders.encode(), b"1")
    await opened.task.close()


async def test_a_view_that_lost_its_disk_parks_nothing_again(views: ViewHarness) -> None:
    await lost_disk(views)


async def test_a_view_that_is_killed_between_parking_and_its_own_write_parks_once(views: ViewHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 2))
    write, failures = StateStore.write, [StateStoreError("the disk is full")]

    def fail_once(store: StateStore, *what: Any) -> None:  # noqa: ANN401 (stands for any arguments)
        if failures:
            raise failures.pop()
        write(store, *what)

    monkeypatch.setattr(StateStore, "write", fail_once)
    await opened.pump()

    assert opened.versions() == {"a": 1}
    assert [value for _, value, _ in await views.parked()] == [event("b", 2)]
    await opened.task.close()


async def test_two_workers_that_both_believe_to_have_the_view_park_once(views: ViewHarness) -> None:
    former, successor = await views.open_view(worker="former"), await views.open_view(worker="successor")
    await views.write_events(("a", 2), ("b", 2))
    records = await views.records(views.orders)

    for each, count in ((former, 1), (successor, 2), (former, 2)):
        await each.task.ready.wait()
        await each.task.process(RecordBatch(views.orders, 0, each.task.opening, records[:count]), each.events)
    await former.pump()

    assert [value for _, value, _ in await views.parked()] == [event("a", 2), event("b", 2)]
    await former.task.close()
    await successor.task.close()


async def test_an_event_that_fails_for_good_is_parked_and_leaves_nothing_else_behind(views: ViewHarness) -> None:
    model = Failing(views, 1_000)
    opened = await views.open_view(model)
    await views.write_events(("a", 1), ("bad", 1), ("bad", 2), ("a", 2))

    await opened.pump()

    assert opened.versions() == {"a": 2}
    assert [headers["parked-reason"] for _, _, headers in await views.parked()] == [b"failed", b"behind-parked"]
    assert model.times == 1_000 - 4
    assert [row.reason for row in parking.listed(opened.task.store, "", 0)] == ["failed", "behind-parked"]
    await opened.task.close()


async def test_an_event_that_fails_for_a_moment_is_folded(views: ViewHarness) -> None:
    opened = await views.open_view(Failing(views, 2))
    await views.write_events(("bad", 1), ("bad", 2))

    await opened.pump()

    assert opened.versions() == {"bad": 2}
    assert await views.parked() == []
    await opened.task.close()


async def test_what_is_no_event_is_parked(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), aggregateId=5)

    await opened.pump()

    assert [headers["parked-reason"] for _, _, headers in await views.parked()] == [b"failed"]
    await opened.task.close()


async def test_an_event_of_a_newer_schema_stops_the_view_and_is_neither_skipped_nor_parked(views: ViewHarness, caplog: pytest.LogCaptureFixture) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1))
    await opened.pump()
    await views.write_events(("a", 2), schemaVersion=99)
    [*_, newer] = await views.records(views.orders)

    await opened.task.process(RecordBatch(views.orders, 0, opened.task.opening, [newer]), opened.events)
    await until(lambda: opened.task.stopped, within_s=10)

    assert not opened.task.serving
    assert "view 0 stays closed" in caplog.text
    assert f"{views.orders} [0] 1: OrderConfirmed has schemaVersion 99, this code knows 1: install the newer Foldstream" in caplog.text
    assert await views.parked() == []
    await opened.task.close()
    opened = await views.open_view()
    assert opened.position(views.orders) == 1
    await opened.task.close()


async def test_an_event_without_a_schema_version_is_of_version_1(views: ViewHarness) -> None:
    opened = await views.open_view()
    await views.write_events(("a", 1), eventType="OrderPlaced", payload={"customerId": "c"})

    await opened.pump()

    assert opened.versions() == {"a": 1}
    await opened.task.close()


class Other(History):
    """Another read model of the same events, with rows of its own."""

    agent = "other"


def another(views: ViewHarness, fingerprint: str) -> Other:
    """Return that read model, as code with this fingerprint."""
    other = Other(views.settings, Table(None, name="other", value_type=Raw), Table(None, name="others", value_type=Latest))
    other.events, other.fingerprint = views.model.events, fingerprint
    return other


async def test_a_view_with_rows_of_other_code_opens_also_when_a_commit_marker_is_the_last_on_its_log(views: ViewHarness) -> None:
    former = another(views, "former")
    opened = await views.open_view(models=[views.model, former])
    await views.write_events(("a", 1), transactional=True)
    batch = RecordBatch(views.orders, 0, opened.task.opening, await views.records(views.orders))
    for model in (views.model, former):
        await opened.task.process(batch, OpenedView.handler(model))
    await opened.task.close()

    upgraded = await views.open_view(models=[views.model, another(views, "later")])
    upgraded.flow.fetched[views.orders] = await views.end(views.orders)

    await until(lambda: upgraded.task.serving, within_s=30)
    await upgraded.task.close()


async def test_two_read_models_of_one_topic_have_positions_of_their_own(views: ViewHarness) -> None:
    other = another(views, "1")
    opened = await views.open_view(models=[views.model, other])
    await views.write_events(("a", 1), ("a", 2))
    batch = RecordBatch(views.orders, 0, opened.task.opening, await views.records(views.orders))

    await opened.task.process(batch, opened.events)
    assert (opened.position(views.orders), opened.task.busy) == (0, True), "the other has folded nothing"
    await opened.task.process(batch, OpenedView.handler(other))

    assert (opened.position(views.orders), opened.task.busy) == (2, False)
    assert [len(list(model.committed(opened.task.store, "Order", "a", 1))) for model in (views.model, other)] == [2, 2]
    await opened.task.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_view_that_is_killed_around_a_write_goes_on_from_what_is_on_disk(views: ViewHarness, after: bool) -> None:  # noqa: FBT001 (a parameter)
    await killed_around_a_write(views, after=after)
