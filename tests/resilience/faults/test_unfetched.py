"""Broker that answers a fetch with an error, as with a damaged disk. aiokafka reports nothing, so the worker names what it does not get."""

import asyncio
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from tests.conftest import FreePort
from tests.resilience.faults.conftest import running
from tests.support.http.client import Answer, Client, ready
from tests.support.workers.environment import Environment, Results, opened
from tests.support.workers.traffic import order

LENGTH_AT = 8
"""Position of the length in the head of a batch (bytes)."""


@pytest.fixture
def own(tmp_path: Path, free_port: FreePort) -> Iterator[EmbeddedKafka]:
    """Yield a broker whose disk this test may damage."""
    with running(EmbeddedKafka(tmp_path / "kafka", free_port())) as broker:
        yield broker


def damage(broker: EmbeddedKafka, partition: str, length: bytes) -> bytes:
    """Write another length into the first batch, which the broker reads on its way to later ones. Return the bytes that were there."""
    [segment] = (broker.home.records / partition).glob("*.log")
    with segment.open("r+b") as file:
        file.seek(LENGTH_AT)
        before = file.read(len(length))
        file.seek(LENGTH_AT)
        file.write(length)
    return before


async def says(client: Client, status: int, what: str = "") -> Answer:
    """Return the answer of `/readyz`, once it has this status and matches this pattern."""
    async with asyncio.timeout(100):
        while (answer := await client.get("/readyz")).status != status or not re.search(what, answer.body.get("detail", "")):  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)
    return answer


async def test_a_worker_says_what_its_broker_has_and_does_not_give_and_goes_on_once_it_does(own: EmbeddedKafka, tmp_path: Path) -> None:
    async with opened(Environment(own.bootstrap, tmp_path, partitions=1)) as environment, Results(environment.settings) as results:
        worker, commands = environment.worker("worker"), f"{environment.settings.topic('commands.order')}-0"
        async with aiohttp.ClientSession() as session:
            client = await ready(session, worker)
            await environment.send([order("o-1")])
            await results.number(1)
            worker.signal(signal.SIGSTOP)
            await environment.send([order("o-2")])  # answers the fetch that was under way, if any
            await environment.send([order("o-3")])
            length = damage(own, commands, b"\0\0\0\1")
            worker.signal(signal.SIGCONT)

            await says(client, 503, rf"{commands[:-2]} \[0\] gives nothing from [12] on, although it has records up to 3")
            assert (await client.get("/orders/o-1")).status == 200

            damage(own, commands, length)
            await results.number(3)
            await says(client, 200)
