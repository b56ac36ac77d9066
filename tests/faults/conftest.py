"""What the tests of faults ask for: a broker behind a proxy, and the proxy."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.conftest import FreePort
from tests.faults.broker import ProxiedKafka
from tests.faults.proxy import Proxy


@pytest.fixture(scope="session")
def proxied(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[ProxiedKafka]:
    """The broker of the tests that break connections only; one that ends its broker needs its own."""
    broker = ProxiedKafka(tmp_path_factory.mktemp("proxied"), free_port)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


@pytest.fixture
async def proxy(proxied: ProxiedKafka) -> AsyncIterator[Proxy]:
    """The way to that broker."""
    [proxy] = proxied.proxies()
    async with proxy:
        yield proxy
