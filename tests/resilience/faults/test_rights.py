"""Rights withdrawn under a running worker: what needs them waits and says so, the rest continues, and all of it once they are restored."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka.admin._acl import AclOperation
from confluent_kafka.admin._resource import ResourceType

from app.streams.aiokafka_patches import sender as requests
from app.verify.run import audit
from tests.support.faults.rights import GuardedKafka
from tests.support.http.client import PLACE, Client, ready
from tests.support.streams.harness import Harness
from tests.support.workers.environment import Environment, opened
from tests.support.workers.traffic import order


@pytest.fixture
async def harness(guarded: GuardedKafka, tmp_path: Path) -> Harness:
    """Return topics and a directory for a write task."""
    harness = Harness(guarded.bootstrap, tmp_path)
    await harness.create_topics()
    return harness


@pytest.fixture
async def client(guarded: GuardedKafka, tmp_path: Path) -> AsyncIterator[tuple[Environment, Client]]:
    """Yield an environment, and a client of its only worker."""
    async with opened(Environment(guarded.bootstrap, tmp_path, partitions=2)) as environment, aiohttp.ClientSession() as session:
        yield environment, await ready(session, environment.worker("worker"))


async def waits_until_it_may_write(harness: Harness, guarded: GuardedKafka) -> None:
    """Withdraw the right to write to a topic. The task names the topic, parks nothing, and continues once it may write."""
    results = harness.settings.topic("results")
    task = await harness.open()
    await harness.send(("a", b""))
    with guarded.withdrawn(AclOperation.WRITE, results):
        for _ in range(3):
            await asyncio.wait_for(task.task.ready.wait(), timeout=30)
            await task.hand_over()
        assert results in task.task.trouble
    assert task.task._side.measures.transactions["unknown"] == 0  # noqa: SLF001 (the test looks inside)
    assert not task.task.stopped
    await task.pump()

    await harness.expect_counts(a=1)
    assert await harness.records(harness.settings.topic("parked")) == []
    await task.task.close()


async def test_a_task_waits_until_it_may_write(harness: Harness, guarded: GuardedKafka) -> None:
    await waits_until_it_may_write(harness, guarded)


@pytest.mark.control
async def test_a_refusal_that_aiokafka_passes_over_is_found(harness: Harness, guarded: GuardedKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_refused", lambda *_: set())

    with pytest.raises(AssertionError):
        await waits_until_it_may_write(harness, guarded)


async def test_a_worker_lives_and_says_what_it_may_not_read_until_it_may(client: tuple[Environment, Client], guarded: GuardedKafka) -> None:
    environment, asks = client
    topic, group = environment.settings.topic("commands.order"), environment.settings.app_id
    for name, kind in ((topic, ResourceType.TOPIC), (group, ResourceType.GROUP)):
        with guarded.withdrawn(AclOperation.READ, name, kind):
            await answers(asks, 503, name)
            assert (await asks.get("/healthz")).status == 200
        await answers(asks, 200)

    await refused_until_it_may_write(asks, guarded, topic)
    await environment.send([order("afterwards")])
    async with asyncio.timeout(60):
        while (await asks.get(f"/commands/Order/afterwards/{order('afterwards')['commandId']}")).status != 200:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.1)
    assert asks.worker.starts == 1
    assert await audit(environment.settings) == []


async def refused_until_it_may_write(client: Client, guarded: GuardedKafka, topic: str) -> None:
    """Write an order without the right to. Nothing is done, the answer says why, and the same request is accepted later."""
    with guarded.withdrawn(AclOperation.WRITE, topic):
        async with asyncio.timeout(30):  # until the broker applies it
            while (found := await client.post("/orders", {**PLACE, "orderId": "written"}, idempotency_key="key-1")).status == 201:  # noqa: ASYNC110 (as below)
                await asyncio.sleep(0.1)
        assert (found.status, found.body["code"]) == (503, "no-broker")
        assert topic in found.body["detail"]
    async with asyncio.timeout(30):  # as above
        while (found := await client.post("/orders", {**PLACE, "orderId": "written"}, idempotency_key="key-1")).status != 201:  # noqa: ASYNC110 (as below)
            await asyncio.sleep(0.1)


async def answers(client: Client, status: int, named: str = "") -> None:
    """Wait until /readyz has this status and contains this."""
    async with asyncio.timeout(60):
        while (found := await client.get("/readyz")).status != status or named not in str(found.body):  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.1)
