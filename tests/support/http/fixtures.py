"""Fixtures: workers that serve HTTP, on the broker of this run."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.conftest import RunningKafka
from tests.support.http.client import LONG_S, Client, ready, settled
from tests.support.workers.environment import Environment
from tests.support.workers.worker import PROGRAM


class Shop(NamedTuple):
    """Environment with a client for each of its two workers."""

    environment: Environment
    one: Client
    other: Client

    async def owner_first(self, order_id: str) -> tuple[Client, Client]:
        """Return the worker that owns an order, which must exist, and the other one."""
        owned = (await self.one.get(f"/orders/{order_id}", foldstream_forwarded="1")).status != 503
        return (self.one, self.other) if owned else (self.other, self.one)


@pytest.fixture(scope="module")
def standing_program() -> tuple[str, ...]:
    """Return the arguments of Python that start the workers of a module. Modules whose orders need sagas override them."""
    return PROGRAM


@pytest.fixture(scope="module")
def standing(kafka: RunningKafka, tmp_path_factory: pytest.TempPathFactory, standing_program: tuple[str, ...]) -> Iterator[Environment]:
    """Yield an environment with two workers for all tests of a module."""
    environment = Environment(kafka.bootstrap, tmp_path_factory.mktemp("shop"))
    try:
        asyncio.run(environment.create_topics())
        _start(environment, standing_program)
        yield environment
    finally:
        environment.close()


@pytest.fixture
async def shop(standing: Environment) -> AsyncIterator[Shop]:
    """Yield both workers of the module, each with some of the partitions. Later tests find them, and their data, as this test leaves them."""
    async with aiohttp.ClientSession() as session:
        yield await _serving(standing, session)


@pytest.fixture
def program() -> tuple[str, ...]:
    """Return the arguments of Python that start a worker. Controls override them."""
    return PROGRAM


@pytest.fixture
async def own_shop(kafka: RunningKafka, tmp_path: Path, program: tuple[str, ...]) -> AsyncIterator[Shop]:
    """Yield two workers for one test, which counts everything or ends a worker."""
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        _start(environment, program)
        async with aiohttp.ClientSession() as session:
            yield await _serving(environment, session)
    finally:
        environment.close()


@pytest.fixture
async def shop_with_ids(kafka: RunningKafka, tmp_path: Path, program: tuple[str, ...]) -> AsyncIterator[Shop]:
    """Yield two workers for one test, which keep their partitions over a restart."""
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        _start(environment, program, ids=True)
        async with aiohttp.ClientSession() as session:
            yield await _serving(environment, session)
    finally:
        environment.close()


@pytest.fixture
async def alone(kafka: RunningKafka, tmp_path: Path, program: tuple[str, ...]) -> AsyncIterator[Client]:
    """Yield a client of the only worker of an environment. Its session outlasts any pause of a busy machine."""
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            yield await ready(session, environment.worker("alone", program=program, session_timeout_s=LONG_S))
    finally:
        environment.close()


def _start(environment: Environment, program: tuple[str, ...], *, ids: bool = False) -> None:
    for name in ("one", "other"):
        environment.worker(name, program=program, **({"worker_id": name, "session_timeout_s": LONG_S} if ids else {}))


async def _serving(environment: Environment, session: aiohttp.ClientSession) -> Shop:
    clients = [await ready(session, worker) for worker in environment.workers]
    await settled(*clients)
    return Shop(environment, *clients)
