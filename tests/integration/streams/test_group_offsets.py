"""Group offsets that a worker commits when it exits: they move past markers, and past no unprocessed record, whatever was fetched."""

from collections.abc import Mapping

import pytest
from faust.types import TP

from app.streams.runtime.group_offsets import GroupOffsetReporter
from tests.support.streams.harness import Harness, Opened

END = 3
"""Offset behind three commands."""


class AllFetched:
    """Consumer that has fetched all commands."""

    def __init__(self, commands: str) -> None:
        self._commands = commands

    async def idle_positions(self) -> Mapping[TP, int]:
        """Return the end."""
        return {TP(self._commands, 0): END}

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit nothing: there is no group."""
        raise NotImplementedError


def group_offsets(opened: Opened) -> GroupOffsetReporter:
    """Return a reporter for a worker with this task, which has fetched everything and dropped what it did not process."""
    return GroupOffsetReporter(opened.harness.settings.bootstrap, lambda: AllFetched(opened.harness.commands), lambda: [opened.task])


async def test_a_worker_that_ends_steps_over_markers(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.streams.runtime.group_offsets.MARKERS_S", 60.0)
    monkeypatch.setattr("app.streams.tasks.task.SETTLE_S", 60.0)
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), transactional_id=harness.settings.app_id)
    await opened.pump()
    assert opened.position == END - 1

    await group_offsets(opened).settle()

    assert opened.position == END
    await opened.task.close()


async def test_a_worker_that_ends_steps_over_no_record_that_it_has_fetched_and_dropped(harness: Harness) -> None:
    await fetched_and_dropped(harness)


@pytest.mark.control
async def test_positions_of_what_was_fetched_are_found_to_lose_what_was_dropped(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    async def settle(self: GroupOffsetReporter) -> None:
        read = await self._read_up_to()
        [task] = self._tasks()
        await task.settle()
        await task.keep({tp.topic: offset for tp, offset in read.items()})

    monkeypatch.setattr(GroupOffsetReporter, "settle", settle)

    with pytest.raises(AssertionError):
        await fetched_and_dropped(harness)


async def fetched_and_dropped(harness: Harness) -> None:
    """Fetch and drop all commands, then exit. The successor must process each of them."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))

    await group_offsets(opened).settle()
    await opened.task.close()

    opened = await harness.open()
    assert opened.position == 0
    await opened.pump()
    await harness.expect_counts(a=2, b=1)
    await opened.task.close()
