"""An environment of its own for each test of the kernel."""

from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.kernel.harness import Harness
from tests.kernel.view_harness import ViewHarness


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
