"""An environment of its own for each test of the kernel."""

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
    """Topics and a directory for a task."""
    harness = Harness(kafka.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.fixture
async def views(kafka: RunningKafka, tmp_path: Path) -> ViewHarness:
    """Topics and a directory for a view."""
    views = ViewHarness(kafka.bootstrap, tmp_path)
    await views.create()
    return views


@pytest.fixture
async def joined(kafka: RunningKafka, tmp_path: Path) -> JoinHarness:
    """Topics and a directory for views that feed each other."""
    joined = JoinHarness(kafka.bootstrap, tmp_path)
    await joined.create()
    return joined


@pytest.fixture
async def counted(harness: Harness) -> Harness:
    """An environment in which a task counted a=2, b=1 and was closed."""
    opened = await harness.open()
    await harness.send(("a", b""), ("b", b""), ("a", b""))
    await opened.pump()
    await opened.task.close()
    return harness


@pytest.fixture
async def folded(views: ViewHarness) -> ViewHarness:
    """An environment in which a view folded a=2, b=1 and was closed."""
    opened = await views.open_view()
    await views.write_events(("a", 1), ("b", 1), ("a", 2))
    await opened.pump()
    views.expected = opened.rows()
    await opened.task.close()
    return views


@pytest.fixture
async def topic(kafka: RunningKafka) -> str:
    """A topic of two partitions, of which the broker knows: a group's leader that does not find it would look again after minutes."""
    name = f"t{uuid4().hex[:8]}"
    await create(kafka.bootstrap, NewTopic(name, 2, 1))
    return name


@pytest.fixture
async def timed(kafka: RunningKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TimerHarness:
    """Topics and a directory for a task that sets timers, by a clock that the test moves; it may ask for the time as often as it wants."""
    timed = TimerHarness(kafka.bootstrap, tmp_path, Clock())
    monkeypatch.setattr("app.clock.now_ms", timed.clock)
    for module in ("dispatcher", "ticks"):
        monkeypatch.setattr(f"app.streams.timers.{module}.monotonic", lambda: timed.clock.at_ms / 1_000)
    monkeypatch.setattr("app.streams.timers.dispatcher.EVERY_S", 0.0)
    await timed.create_topics()
    return timed
