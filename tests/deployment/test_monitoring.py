"""Prometheus: the metrics it gets and the queries it answers, checked by promtool and on a real Prometheus with a real worker."""

import asyncio
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import FreePort, RunningKafka
from tests.support.deployment import prometheus
from tests.support.deployment.debian import program
from tests.support.deployment.stack import ALERTS, PROMETHEUS, alerts, instruction, queries, workers
from tests.support.foldstream import ROOT
from tests.support.http.client import Client, ready
from tests.support.workers.environment import Environment
from tests.support.workers.traffic import order, traffic

UNKNOWN = {**order("poison"), "commandType": "Nonsense"}
"""Command that is parked."""

HEALTH_CHECKS = [instruction("HEALTHCHECK"), *(worker["healthcheck"]["test"][1:] for worker in workers().values())]


@pytest.fixture
async def environment(kafka: RunningKafka, tmp_path: Path) -> AsyncIterator[Environment]:
    """Yield new topics."""
    environment = Environment(kafka.bootstrap, tmp_path, partitions=2)
    try:
        await environment.create_topics()
        yield environment
    finally:
        environment.close()


@pytest.fixture
async def client(environment: Environment) -> AsyncIterator[Client]:
    """Yield a client of a worker that serves."""
    async with aiohttp.ClientSession() as session:
        yield await ready(session, environment.worker("watched"))


async def test_every_query_of_the_dashboard_and_of_the_alerts_is_answered(
    environment: Environment, client: Client, tmp_path: Path, free_port: FreePort
) -> None:
    await environment.send([*traffic(300), UNKNOWN])
    target = client.worker.url.removeprefix("http://")
    async with aiohttp.ClientSession() as session, prometheus.watching(session, tmp_path, free_port(), target) as url:
        silent, batch = queries(), 0
        with suppress(TimeoutError):
            async with asyncio.timeout(60):
                while silent:
                    batch += 1
                    await environment.send([order(f"{batch}-{number}") for number in range(5)])
                    silent = {query for query in silent if not await prometheus.finite(session, url, query)}
        rules = await prometheus.rules(session, url)
        invented = await prometheus.finite(session, url, "foldstream_invented_total")

    assert silent == set()
    assert not invented
    assert {rule["name"]: rule["health"] for rule in rules} == {rule["alert"]: "ok" for rule in alerts()}


async def test_promtool_finds_nothing_wrong_with_what_a_worker_tells(environment: Environment, client: Client) -> None:
    await environment.send([*traffic(100), UNKNOWN])
    shown = ""
    async with asyncio.timeout(30):
        while "foldstream_events_total{" not in shown or "foldstream_lag_records{" not in shown:
            shown = await client.text("/metrics")

    assert await promtool("check", "metrics", told=shown) == ""


async def test_the_health_checks_tell_a_worker_that_serves_from_none(client: Client, free_port: FreePort) -> None:
    serving, nothing = client.worker.url.rpartition(":")[2], str(free_port())

    for python, *words in HEALTH_CHECKS:
        assert python == "python"
        codes = [await _exit_code(sys.executable, *[word.replace("6066", port) for word in words]) for port in (serving, nothing)]
        assert codes == [0, 1]


@pytest.mark.parametrize(("what", "file"), [("config", PROMETHEUS), ("rules", ALERTS)])
async def test_promtool_takes_the_files(what: str, file: Path) -> None:
    assert "SUCCESS" in await promtool("check", what, str(file))


def test_the_documented_alerts_are_those_that_there_are() -> None:
    page = (ROOT / "docs" / "operations" / "monitoring.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `(Foldstream\w+)` \|", page, re.MULTILINE) == [alert["alert"] for alert in alerts()]


async def promtool(*words: str, told: str = "") -> str:
    """Run promtool. Return its output; raise AssertionError if its exit code is not 0."""
    tool = await asyncio.create_subprocess_exec(program("promtool", "prometheus")[0], *words, stdin=PIPE, stdout=PIPE, stderr=STDOUT)
    said, _ = await tool.communicate(told.encode())
    assert tool.returncode == 0, said.decode()
    return said.decode()


async def _exit_code(*command: str) -> int:
    process = await asyncio.create_subprocess_exec(*command, stderr=DEVNULL)
    return await process.wait()
