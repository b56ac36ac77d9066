"""Stage of a chaos run: a broker, two workers that reach it only through a proxy each, and supervisors that restart them."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from app.embedded_kafka.properties import HOST
from tests.conftest import find_port
from tests.support.faults.broker import ProxiedKafka
from tests.support.faults.impostor import Impostor
from tests.support.faults.proxy import Proxy
from tests.support.http.client import Client
from tests.support.waiting import until
from tests.support.workers.environment import Environment
from tests.support.workers.worker import Worker

WORKERS = 2
STEP_TIMEOUT_S = 10.0
"""Timeout of a saga's step, shorter than an outage in these runs (seconds)."""

_LONG_S = 86_400.0


class Supervised:
    """Worker that is started again whenever it exits."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.own_exits: list[str] = []
        """Reason of each exit that no test caused."""

    async def supervise(self) -> None:
        """Start the worker again after each exit. Never return."""
        while True:
            code = await self.worker.exit_code(_LONG_S)
            if code not in {-signal.SIGKILL, -signal.SIGTERM, 0}:  # a second SIGTERM ends the worker at once
                self.own_exits.append(f"{self.worker.name}, exit code {code}: {self.worker.last_words}")
            self.worker.start()

    async def serving(self) -> None:
        """Return once the worker has been assigned partitions."""
        await until(lambda: bool(self.worker.owned), within_s=200)


class Stage:
    """Everything that faults can strike: broker, proxies, impostors and workers."""

    def __init__(self, broker: ProxiedKafka, proxies: list[Proxy], impostors: list[Impostor], environment: Environment, program: tuple[str, ...]) -> None:
        """Start the workers. Each reaches the broker through its proxy, and is reached through its impostor."""
        self.broker = broker
        self.proxies = proxies
        self.impostors = impostors
        self.environment = environment
        self.workers = [Supervised(self._worker(number, program)) for number in range(len(proxies))]

    def _worker(self, number: int, program: tuple[str, ...]) -> Worker:
        impostor = self.impostors[number]
        return self.environment.worker(
            f"worker-{number}",
            program=program,
            broker=self.proxies[number].bootstrap,
            web_port=str(impostor.worker_port),
            advertised_url=impostor.url,
            saga_step_timeout_s=str(STEP_TIMEOUT_S),
        )

    def clients(self, session: aiohttp.ClientSession) -> list[Client]:
        """Return one client for each worker, which bypasses its impostor."""
        ways = zip(self.workers, self.impostors, strict=True)
        return [Client(session, each.worker, f"http://{HOST}:{impostor.worker_port}") for each, impostor in ways]


@asynccontextmanager
async def staged(directory: Path, program: tuple[str, ...]) -> AsyncIterator[Stage]:
    """Yield a stage with all files in `directory`, whose workers run `program`. All its processes are stopped at the end."""
    broker = ProxiedKafka(directory / "broker", find_port, WORKERS)
    environment = Environment(broker.bootstrap, directory)
    async with AsyncExitStack() as ending:
        ending.callback(broker.stop)
        ending.callback(environment.end)
        await asyncio.to_thread(broker.start)
        await environment.create_topics()
        proxies = [await ending.enter_async_context(proxy) for proxy in broker.proxies()]
        impostors = [await ending.enter_async_context(Impostor(find_port(), find_port())) for _ in proxies]
        stage = Stage(broker, proxies, impostors, environment, program)
        async with asyncio.TaskGroup() as background:
            supervised = [background.create_task(each.supervise()) for each in stage.workers]
            yield stage
            for each in supervised:
                each.cancel()
