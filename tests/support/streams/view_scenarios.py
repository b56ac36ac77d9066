"""Scenarios of a view's guarantees, on a real broker. `test_controls.py` repeats them with the mechanism switched off."""

from collections.abc import Iterable
from contextlib import suppress

import pytest

from app.streams.parking.release import Interrupted, ReleaseRequest
from app.streams.processing.record_queue import RecordBatch
from app.streams.state.store import Change, StateStore, StoreCheckpoint
from tests.support.streams.view_harness import Failing, ViewHarness, event
from tests.support.waiting import until


class KilledError(AssertionError):
    """Stands for the end of the process. A task that raises it stays closed, and does nothing more."""


async def killed_around_a_write(harness: ViewHarness, *, after: bool) -> None:
    """Kill the worker before or after its next write to disk. The next incarnation continues from the disk, and the rows have each event once."""
    opened = await harness.open_view()
    await harness.write_events(("a", 1), ("b", 1), ("a", 2))
    write = StateStore.write

    def killed(store: StateStore, changes: Iterable[Change], stored: StoreCheckpoint | None = None) -> None:
        if after:
            write(store, changes, stored)
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateStore, "write", killed)
        await opened.task.process(RecordBatch(harness.orders, 0, opened.task.opening, await harness.records(harness.orders)), opened.events)
        await until(lambda: opened.task.stopped, within_s=60)
    await opened.task.close()

    opened = await harness.open_view()
    await harness.write_events(("a", 3))
    await opened.pump()
    assert opened.versions() == {"a": 3, "b": 1}
    assert opened.history("a") == [1, 2, 3]
    assert await harness.parked() == []
    await opened.task.close()


async def lost_disk(harness: ViewHarness) -> None:
    """Rebuild a view with parked events on an empty disk. The rows are equal, and nothing is parked a second time."""
    opened = await harness.open_view()
    await harness.write_events(("a", 1), ("b", 2), ("b", 3), ("a", 2))
    await opened.pump()
    rows = opened.rows()
    await opened.task.close()

    opened = await harness.open_view(worker="empty")
    await opened.pump()
    assert opened.rows() == rows
    assert [value for _, value, _ in await harness.parked()] == [event("b", 2), event("b", 3)]
    await opened.task.close()


async def mended_and_folded_anew(harness: ViewHarness) -> None:
    """Park events with code that fails at them, then fold them with later code on an empty disk.

    The topic `parked` then reports their release, once.
    """
    failing = await harness.open_view(Failing(harness, 1_000))
    await harness.write_events(("bad", 1), ("a", 1), ("bad", 2))
    await failing.pump()
    await failing.task.close()
    parked = [(0, "failed"), (2, "behind-parked")]
    assert await harness.said() == parked

    for disk in ("mended", "mended again"):
        opened = await harness.open_view(worker=disk)
        await opened.pump()
        assert opened.versions() == {"a": 1, "bad": 2}
        assert await harness.said() == [*parked, (0, "released"), (2, "released")]
        await opened.task.close()


async def killed_when_kafka_alone_knows_of_a_release(harness: ViewHarness) -> None:
    """Kill the worker once the topic `parked` has a discard that the disk does not have. No queue stays blocked for ever."""
    opened = await harness.open_view()
    await harness.write_events(("a", 1), ("b", 2))
    await opened.pump()

    def killed(_store: StateStore, _changes: Iterable[Change], _stored: StoreCheckpoint | None = None) -> None:
        raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(StateStore, "write", killed)
        with suppress(Interrupted):
            await opened.task.release(ReleaseRequest(harness.orders, 1, "not needed"))
    await opened.task.close()

    opened = await harness.open_view()
    await harness.write_events(("b", 1), ("a", 2))
    await opened.pump()
    assert opened.versions() == {"a": 2, "b": 1}
    await opened.task.close()
