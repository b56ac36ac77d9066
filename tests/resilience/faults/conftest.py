"""What the tests of faults ask for: a broker behind a proxy, and the proxy."""

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
    """A broker that is started, and stopped."""
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[ProxiedKafka]:
    """The broker of the tests that break connections only; one that ends its broker needs its own."""
    with running(ProxiedKafka(tmp_path_factory.mktemp("proxied"), free_port)) as broker:
        yield broker


@pytest.fixture(scope="session")
def guarded(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[GuardedKafka]:
    """A broker that asks who may do what, for the tests that withdraw rights, each for a while and for names of its own."""
    with running(GuardedKafka(tmp_path_factory.mktemp("guarded"), free_port)) as broker:
        yield broker


@pytest.fixture
async def proxy(proxied: ProxiedKafka) -> AsyncIterator[Proxy]:
    """The way to that broker."""
    [proxy] = proxied.proxies()
    async with proxy:
        yield proxy


@pytest.fixture
async def harness(proxy: Proxy, tmp_path: Path) -> Harness:
    """Topics and a directory for a task of the kernel that is behind the proxy."""
    harness = Harness(proxy.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.fixture
async def behind(proxied: ProxiedKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Fresh topics on that broker, without workers; tests reach them past the proxy, workers with `broker=proxy.bootstrap` only through it."""
    async with opened(Environment(proxied.bootstrap, tmp_path)) as fresh:
        yield fresh
