"""What the tests of crashes ask for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.support.workers.environment import Environment, opened
from tests.support.workers.lives import Mortal


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """An environment in which one task has all the work."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=1)) as fresh:
        yield fresh


@pytest.fixture
async def shared_environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """One in which two workers have a task each."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=2)) as fresh:
        yield fresh


@pytest.fixture
def mortal(environment: Environment, tmp_path: Path) -> Mortal:
    """A worker of it."""
    return Mortal(environment, tmp_path / "disk")
