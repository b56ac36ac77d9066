"""Fixtures of the system tests."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import RunningKafka
from tests.support.workers.environment import Environment, opened


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics on the shared broker, without workers."""
    async with opened(Environment(kafka.bootstrap, tmp_path)) as fresh:
        yield fresh


@pytest.fixture
async def small_environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics with two partitions, the fewest with which a record can be in the wrong one."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=2)) as fresh:
        yield fresh


@pytest.fixture
async def one_partition(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics with one partition, which all keys share."""
    async with opened(Environment(kafka.bootstrap, tmp_path, partitions=1)) as fresh:
        yield fresh
