"""A real Prometheus that scrapes the workers of the tests, configured like that of the stack."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from ruamel.yaml import YAML

from tests.support.deployment.debian import program
from tests.support.deployment.stack import ALERTS, PROMETHEUS, yaml

SCRAPE_INTERVAL = "1s"
"""Shorter than in the stack, because a rate needs two scrapes."""


@asynccontextmanager
async def watching(session: aiohttp.ClientSession, directory: Path, port: int, target: str) -> AsyncIterator[str]:
    """Yield the URL of a server once it has scraped the target (`host:port`). Only the target and the scrape interval differ from the stack's configuration."""
    config = directory / "prometheus.yml"
    YAML(typ="safe").dump(_configuration(target), config)
    url = f"http://127.0.0.1:{port}"
    with _process(directory, f"--config.file={config}", f"--storage.tsdb.path={directory / 'series'}", f"--web.listen-address=127.0.0.1:{port}"):
        async with asyncio.timeout(30):
            while not await _sees(session, url):  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(0.1)
        yield url


async def finite(session: aiohttp.ClientSession, url: str, expression: str) -> bool:
    """Return True if the expression has a series now whose value is a number."""
    results = (await _ask(session, url, "query", query=expression))["result"]
    return any(series["value"][1] not in {"NaN", "+Inf", "-Inf"} for series in results)


async def rules(session: aiohttp.ClientSession, url: str) -> list[Any]:
    """Return the alert rules that the server has loaded, with their health."""
    return [rule for group in (await _ask(session, url, "rules"))["groups"] for rule in group["rules"]]


@contextmanager
def _process(directory: Path, *options: str) -> Iterator[None]:
    path = directory / "prometheus.log"
    with path.open("w") as log, subprocess.Popen([program("prometheus", "prometheus")[0], *options], stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()
            print(f"--- Prometheus\n{path.read_text()[-20_000:]}")  # noqa: T201 (pytest shows it)


def _configuration(target: str) -> Any:  # noqa: ANN401 (a file's content)
    configuration = yaml(PROMETHEUS)
    configuration["global"] |= {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL}
    configuration["rule_files"] = [str(ALERTS)]
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    return configuration


async def _sees(session: aiohttp.ClientSession, url: str) -> bool:
    """Return True once the server has scraped its target. Before, the server may not listen yet, or answers 503 in plain text."""
    try:
        return await finite(session, url, "up == 1")
    except (aiohttp.ClientConnectionError, aiohttp.ContentTypeError):
        return False


async def _ask(session: aiohttp.ClientSession, url: str, what: str, **query: str) -> Any:  # noqa: ANN401 (JSON)
    async with session.get(f"{url}/api/v1/{what}", params=query) as answer:
        told = await answer.json()
    assert told["status"] == "success", told
    return told["data"]
