"""Fixtures of the tests of faults: a broker behind a proxy, and the proxy."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from tests.conftest import FreePort
from tests.support.faults.broker import ProxiedKafka
from tests.support.faults.proxy import Proxy
from tests.support.faults.rights import GuardedKafka
from tests.support.streams.harness import Harness
from tests.support.workers.environment import Environment, opened

AnyKafka = TypeVar("AnyKafka", bound=EmbeddedKafka)


@contextmanager
def running(broker: AnyKafka) -> Iterator[AnyKafka]:
    """Run a broker."""
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[ProxiedKafka]:
    """Yield a broker for tests that only break connections. Tests that stop their broker need their own."""
    with running(ProxiedKafka(tmp_path_factory.mktemp("proxied"), free_port)) as broker:
        yield broker


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[GuardedKafka]:
    """Yield a broker with access rights, for tests that withdraw rights for a while, each for its own names."""
    with running(GuardedKafka(tmp_path_factory.mktemp("guarded"), free_port)) as broker:
        yield broker


@pytest.fixture
async def proxy(proxied: ProxiedKafka) -> AsyncIterator[Proxy]:
    """Yield the proxy in front of that broker."""
    [proxy] = proxied.proxies()
    async with proxy:
        yield proxy


@pytest.fixture
async def harness(proxy: Proxy, tmp_path: Path) -> Harness:
    """Return topics and a directory for a task behind the proxy."""
    harness = Harness(proxy.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.fixture
async def behind(proxied: ProxiedKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics on that broker, without workers. Tests bypass the proxy; workers with `broker=proxy.bootstrap` cannot."""
    async with opened(Environment(proxied.bootstrap, tmp_path)) as fresh:
        yield fresh
