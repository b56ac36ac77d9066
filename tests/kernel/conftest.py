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
