"""Fixtures of all tests: one real broker per run, and free ports for other brokers."""

import logging
import random
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

from app.embedded_kafka.embedded import EmbeddedKafka
from app.streams.aiokafka_patches import sender as requests

pytest.register_assert_rewrite("tests.support")  # so that pytest explains the assertions of helpers, too

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job: programs that tests interrupt would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

logging.getLogger("asyncio").setLevel(logging.CRITICAL)
"""Level above that of asyncio's reports about garbage-collected futures.

Each is written with a traceback, which Python 3.11 formats with `ast`. A parse under way then seems damaged: `SystemError: AST constructor recursion depth
mismatch`.
"""

settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")
"""Properties have no deadline, because a busy machine is no finding."""

TESTS = Path(__file__).parent

FreePort = Callable[[], int]

requests.install()
"""Install the fixes that every program of Foldstream installs where it starts."""

_kept: list[ExitStack] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its group, the name of its folder."""
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])


@dataclass(frozen=True)
class RunningKafka:
    """Broker of this run."""

    embedded: EmbeddedKafka

    @property
    def bootstrap(self) -> str:
        """Bootstrap list of the broker."""
        return self.embedded.bootstrap


@pytest.fixture(scope="session")
def free_port() -> FreePort:
    """Return a function that finds a port which is free together with the next one, for a broker and its controller."""
    return find_port


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKafka]:
    """Yield the broker that all tests share. Each uses new topics or a new prefix; a test that stops its broker needs one of its own."""
    embedded = EmbeddedKafka(tmp_path_factory.mktemp("kafka"), find_port())
    try:
        embedded.start(print)
        yield RunningKafka(embedded)
    finally:
        embedded.stop()


def find_port() -> int:
    """Return a port that is free together with the next one, and stays reserved until this process ends.

    The port is below the range from which the system picks ports for outgoing connections, so that none of those takes it before the broker does.
    """
    candidates = random.SystemRandom().sample(range(20_000, 32_000), 100)
    return next(port for port in candidates if _keep(port, port + 1))


def _keep(*ports: int) -> bool:
    """Reserve all of these ports or none. A broker takes seconds to listen, and another test run would find them free meanwhile."""
    with ExitStack() as taken, suppress(OSError):
        for port in ports:
            holder = taken.enter_context(socket.socket())
            holder.bind(("127.0.0.1", port))
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # servers may bind it too from now on, because all of them ask for that
        _kept.append(taken.pop_all())
        return True
    return False
