"""Lag as a worker reports it: it grows while another worker is stuck, and is 0 once all is read."""

import asyncio
import re
import signal
from pathlib import Path

import aiohttp
import pytest

from tests.conftest import RunningKafka
from tests.support.http.client import Client, ready
from tests.support.workers.environment import Environment
from tests.support.workers.traffic import order

SESSION_S = "40"
"""Session timeout longer than the test needs to see the lag, so that a stopped worker keeps its partitions (seconds)."""


async def reaches(client: Client, least: int, most: int) -> None:
    """Wait until the lag over all partitions is in this range. Its age in seconds must be 0 exactly if no record waits."""
    async with asyncio.timeout(60):
        while not (least <= await lag(client, "records") <= most and (await lag(client, "seconds") > 0) == (least > 0)):  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.2)


async def lag(client: Client, what: str) -> float:
    """Return the sum over all partitions."""
    return sum(float(value) for value in re.findall(rf"^foldstream_lag_{what}{{.*}} (\S+)$", await client.text("/metrics"), re.MULTILINE))


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_lag_moves_while_another_worker_is_stuck_and_is_0_when_all_is_read(kafka: RunningKafka, tmp_path: Path) -> None:
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        workers = [environment.worker(name, session_timeout_s=SESSION_S) for name in ("tells", "stuck")]
        async with aiohttp.ClientSession() as session:
            tells, stuck = [await ready(session, worker) for worker in workers]
            await environment.send([order(f"before-{number}") for number in range(20)])
            await reaches(tells, 0, 0)

            stuck.worker.signal(signal.SIGSTOP)
            await environment.send([order(f"after-{number}") for number in range(40)])
            await reaches(tells, 1, 40)
            stuck.worker.signal(signal.SIGCONT)

            await reaches(tells, 0, 0)
    finally:
        environment.close()
