"""Workers that serve HTTP, on the broker of this run."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.conftest import RunningKafka
from tests.system.environment import Environment
from tests.web.client import Client, ready, settled


class Shop(NamedTuple):
    """An environment, and a client for each of its two workers."""

    environment: Environment
    one: Client
    other: Client


@pytest.fixture
async def shop(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Shop]:
    """Both workers serve, each some of the partitions."""
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        workers = [environment.worker(name) for name in ("one", "other")]
        async with aiohttp.ClientSession() as session:
            clients = [await ready(session, worker) for worker in workers]
            await settled(*clients)
            yield Shop(environment, *clients)
    finally:
        environment.close()


@pytest.fixture
async def alone(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Client]:
    """A client of the only worker of an environment."""
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            yield await ready(session, environment.worker("alone"))
    finally:
        environment.close()
