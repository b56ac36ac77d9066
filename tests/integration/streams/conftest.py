"""Fixtures: an environment of its own for each test of the runtime."""

from pathlib import Path
from uuid import uuid4

import pytest
from aiokafka.admin import NewTopic

from tests.conftest import RunningKafka
from tests.support.streams.harness import Harness
from tests.support.streams.join_harness import JoinHarness
from tests.support.streams.timer_harness import Clock, TimerHarness
from tests.support.streams.view_harness import ViewHarness
from tests.support.topics import create


@pytest.fixture
async def harness(kafka: RunningKafka, tmp_path: Path) -> Harness:
    """Return topics and a directory for a write task."""
    harness = Harness(kafka.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.fixture
async def views(kafka: RunningKafka, tmp_path: Path) -> ViewHarness:
    """Return topics and a directory for a view task."""
    views = ViewHarness(kafka.bootstrap, tmp_path)
    await views.create()
    return views


@pytest.fixture
async def joined(kafka: RunningKafka, tmp_path: Path) -> JoinHarness:
    """Return topics and a directory for read models that feed each other."""
    joined = JoinHarness(kafka.bootstrap, tmp_path)
    await joined.create()
    return joined


@pytest.fixture
async def counted(harness: Harness) -> Harness:
    """Return an environment in which a task counted a=2, b=1 and was closed."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))
    await opened.pump()
    await opened.task.close()
    return harness


@pytest.fixture
async def folded(views: ViewHarness) -> ViewHarness:
    """Return an environment in which a view folded a=2, b=1 and was closed."""
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 1), ("a", 2))
    await opened.pump()
    views.expected = opened.rows()
    await opened.task.close()
    return views


@pytest.fixture
async def topic(kafka: RunningKafka) -> str:
    """Return a topic of two partitions that the broker knows. If a group's leader did not find it, it would look again only after minutes."""
    name = f"t{uuid4().hex[:8]}"
    await create(kafka.bootstrap, NewTopic(name, 2, 1))
    return name


@pytest.fixture
async def timed(kafka: RunningKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimerHarness:
    """Return topics and a directory for a task with timers. The test moves the clock, and the task may ask for the time as often as it wants."""
    timed = TimerHarness(kafka.bootstrap, tmp_path, Clock())
    monkeypatch.setattr("app.clock.now_ms", timed.clock)
    for module in ("dispatcher", "ticks"):
        monkeypatch.setattr(f"app.streams.timers.{module}.monotonic", lambda: timed.clock.at_ms / 1_000)
    monkeypatch.setattr("app.streams.timers.dispatcher.EVERY_S", 0.0)
    await timed.create_topics()
    return timed
