"""Fixtures of the tests of crashes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.support.workers.environment import Environment, opened
from tests.support.workers.lives import Mortal


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield an environment in which one task has all the work."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=1)) as fresh:
        yield fresh


@pytest.fixture
async def shared_environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield an environment in which two workers have a task each."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=2)) as fresh:
        yield fresh


@pytest.fixture
def mortal(environment: Environment, tmp_path: Path) -> Mortal:
    """Return a worker of the environment, to be killed at points."""
    return Mortal(environment, tmp_path / "disk")
