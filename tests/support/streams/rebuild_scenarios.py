"""Scenarios of rebuilds, on a real broker. `test_rebuild_controls.py` repeats them with the mechanism switched off."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from app.streams.rebuild.coordinator import BuildAction, BuildStatus
from app.streams.state.store import StateStore
from tables.history import History, entries, versions
from tests.support.streams.view_harness import OpenedView, ViewHarness
from tests.support.streams.view_scenarios import KilledError
from tests.support.waiting import until

HISTORY = "history"
WISHES: tuple[BuildAction, ...] = ("rebuild", "rollback", "rebuild", "rollback")


class Changed(History):
    """Read model with another fingerprint."""

    def __init__(self, views: ViewHarness, fingerprint: str = "another") -> None:
        super().__init__(views.settings, entries, versions)
        self.events = views.model.events
        self.fingerprint = fingerprint


async def ask(opened: OpenedView, wish: BuildAction, rebuild: str) -> BuildStatus:
    """Request a build."""
    assert opened.task.builds is not None, "the view is open"
    return await opened.task.builds.ask(HISTORY, wish, rebuild)


async def done(opened: OpenedView, rebuild: str) -> BuildStatus:
    """Wait until a build is done, also over a restart of the task."""
    await until(lambda: _last(opened) == rebuild, within_s=60)
    return built(opened)


def built(opened: OpenedView) -> BuildStatus:
    """Return the status of the build."""
    assert opened.task.builds is not None, "the view is open"
    return opened.task.builds.built(HISTORY)


async def rebuilt(opened: OpenedView, rebuild: str = "r-1") -> BuildStatus:
    """Rebuild from the log, and wait for the end."""
    await ask(opened, "rebuild", rebuild)
    return await done(opened, rebuild)


async def reads_never_go_back(views: ViewHarness) -> None:
    """Read while events arrive and rows are rebuilt and rolled back.

    A reader never sees fewer versions than before, and never a failure.
    """
    opened, version = await views.open_view(), 40
    await views.write_events(*[(order, each) for each in range(1, version) for order in "abc"])
    await opened.pump()
    reading = asyncio.create_task(_read(opened))
    for number, wish in enumerate(WISHES):
        await ask(opened, wish, f"r-{number}")
        while _last(opened) != f"r-{number}":
            await views.write_events(*[(order, version) for order in "abc"])
            await opened.pump()
            version += 1
            if reading.done():
                reading.result()
    reading.cancel()
    assert (await asyncio.gather(reading, return_exceptions=True))[0].__class__ is asyncio.CancelledError
    assert opened.history("a") == list(range(1, version))
    await opened.task.close()


async def _read(opened: OpenedView) -> None:
    """Read without pause. Raise if a read fails, or shows less than the one before."""
    seen: dict[str, int] = {}
    while True:
        now = opened.versions()
        assert all(now.get(order, 0) >= version for order, version in seen.items()), (seen, now)
        assert all(opened.history(order) == list(range(1, version + 1)) for order, version in now.items())
        seen = now
        await asyncio.sleep(0)


async def killed_at_every_step(folded: ViewHarness, wish: BuildAction) -> None:
    """Kill the worker at each disk write of a build, one after the other. The build then resumes, and ends with the right rows."""
    opened = await folded.open_view()
    await opened.pump()
    if wish == "rollback":
        await rebuilt(opened, "before")
    for step in count():
        with pytest.MonkeyPatch.context() as patch:
            calls = _killing(patch, step)
            rebuild = f"r-{step}"
            asked = asyncio.create_task(ask(opened, wish, rebuild))
            await until(lambda: opened.task.stopped or _last(opened) == rebuild or (asked.done() and asked.exception() is not None), within_s=60)  # noqa: B023 (awaited here)
            await asyncio.gather(asked, return_exceptions=True)
        survived = len(calls) <= step
        await opened.task.close()

        opened = await folded.open_view()
        await opened.pump()
        await ask(opened, wish, rebuild)
        found = await done(opened, rebuild)
        assert found.generations.last is not None
        assert found.generations.last.digests is not None
        assert len(set(found.generations.last.digests)) == 1
        assert (opened.versions(), opened.history("a")) == ({"a": 2, "b": 1}, [1, 2])
        if survived:
            break
    assert step >= 4, "there are as many steps at least"
    await opened.task.close()


def _killing(patch: pytest.MonkeyPatch, step: int) -> list[str]:
    """Kill the process at one call of the store. Return the list of calls."""
    calls: list[str] = []

    def mortal(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(store: StateStore, *words: Any) -> Any:  # noqa: ANN401 (stands for any method)
            calls.append(name)
            if len(calls) - 1 == step:
                raise KilledError(name)
            return real(store, *words)

        return call

    for name in ("write", "drop", "flush"):
        patch.setattr(StateStore, name, mortal(name, getattr(StateStore, name)))
    return calls


def _last(opened: OpenedView) -> str:
    if opened.task.builds is None:
        return ""
    last = built(opened).generations.last
    return last.rebuild if last else ""
