"""An environment of its own for each test of the kernel."""

from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.kernel.harness import Harness


@pytest.fixture
async def harness(kafka: RunningKafka, tmp_path: Path) -> Harness:
    """Topics and a directory for a task."""
    harness = Harness(kafka.bootstrap, tmp_path)
    await harness.create_topics()
    return harness
