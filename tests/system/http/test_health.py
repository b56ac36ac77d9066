"""Liveness and limits: /healthz is 503 only if a restart helps, and the number of waiting writes is bounded."""

import asyncio
import re
from pathlib import Path

import aiohttp
import psutil
import pytest

from app.embedded_kafka.embedded import EmbeddedKafka
from app.streams.topology import WAITING_WRITES
from tests.conftest import FreePort, RunningKafka
from tests.support.http.client import LONG_S, PLACE, Answer, Client, ready, settled
from tests.support.waiting import until
from tests.support.workers import stuck
from tests.support.workers.environment import Environment
from tests.support.workers.worker import without

TOO_MANY = 100
UNHURRIED = ("-m", "tests.support.workers.patient")


@pytest.mark.long
async def test_a_worker_whose_consumer_thread_is_stuck_is_not_alive(kafka: RunningKafka, tmp_path: Path) -> None:
    environment = Environment(kafka.bootstrap, tmp_path)
    try:
        await environment.create_topics()
        async with aiohttp.ClientSession() as session:
            client = await ready(session, environment.worker("stuck", program=stuck.PROGRAM))
            before = await client.get("/healthz")
            (client.worker.datadir / stuck.FILE).touch()

            async with asyncio.timeout(60):
                while (answer := await client.get("/healthz")).status == 200:  # noqa: ASYNC110 (another process changes it)
                    await asyncio.sleep(0.1)
    finally:
        environment.close()

    assert (before.status, before.body) == (200, {"status": "alive"})
    assert (answer.status, answer.body["code"]) == (503, "stuck")
    assert "the consumer's thread" in answer.body["detail"]


async def test_partitions_that_were_added_stop_the_worker_and_those_of_which_only_some_topics_are_here_are_named(kafka: RunningKafka, tmp_path: Path) -> None:
    await _partly_assigned(kafka, tmp_path, without("start-check"))


@pytest.mark.control
async def test_partitions_that_are_passed_over_in_silence_are_found(kafka: RunningKafka, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        await _partly_assigned(kafka, tmp_path, without("incomplete"))


async def _partly_assigned(kafka: RunningKafka, tmp_path: Path, program: tuple[str, ...]) -> None:
    environment = Environment(kafka.bootstrap, tmp_path, partitions=1)
    try:
        await environment.create_topics()
        await environment.add_partitions("commands.order", 2)
        async with aiohttp.ClientSession() as session:
            worker = environment.worker("alone", program=program)
            await until(lambda: {"task 0 stays closed", "view 0 is open"} <= set(re.findall(r"task 0 stays closed|view 0 is open", worker.said)), within_s=60)
            client = Client(session, worker)
            placed = await client.post("/orders", PLACE)
            answer, metrics = await client.get("/readyz"), await client.text("/metrics")
    finally:
        environment.close()

    assert placed.status == 503
    assert (answer.status, answer.body.get("code")) == (503, "not-ready")
    assert f"partition 0 (stopped: {environment.settings.topic('commands.order')} has 2 partitions, and the log was written with 1" in answer.body["detail"]
    assert f"partition 1 (not assigned here, to another worker or missing: {environment.settings.topic('commands.customer')}" in answer.body["detail"]
    assert "foldstream_ready 0.0" in metrics
    assert 'foldstream_stopped{partition="1",task="write"} 1.0' in metrics
    assert 'foldstream_stopped{partition="0",task="write"} 1.0' in metrics
    assert 'foldstream_stopped{partition="0",task="view"} 0.0' in metrics


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_broker_that_stands_still_leaves_the_worker_alive_and_the_writes_that_wait_bounded(free_port: FreePort, tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path / "broker", free_port())
    environment = Environment(broker.bootstrap, tmp_path)
    try:
        await asyncio.to_thread(broker.start)
        await environment.create_topics()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            client = await ready(session, environment.worker("alone", program=UNHURRIED, session_timeout_s=LONG_S))
            await settled(client)

            answers, alive = await _while_it_stands_still(broker, client)
            again = [await _until_answered(client, number) for number in (0, len(answers) - 1)]
            await ready(session, client.worker)
    finally:
        environment.close()
        broker.stop()

    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} == {202, 503}
    assert {(answer.body["code"], answer.headers["retry-after"]) for answer in refused} == {("too-many-writes", "1")}
    assert len(refused) == TOO_MANY
    assert [each.status for each in again] == [201, 201]
    assert set(alive) == {200}


async def _while_it_stands_still(broker: EmbeddedKafka, client: Client) -> tuple[list[Answer], list[int]]:
    """Suspend the broker and send more writes than may wait. Return their answers, and the statuses of /healthz until all have arrived."""
    running = broker.status()
    assert running is not None
    process = psutil.Process(running.pid)
    process.suspend()
    try:
        asked = [asyncio.create_task(_order(client, number)) for number in range(WAITING_WRITES + TOO_MANY)]
        alive = [(await client.get("/healthz")).status]
        while not all(each.done() for each in asked):
            await asyncio.sleep(0.2)
            alive.append((await client.get("/healthz")).status)
        return [each.result() for each in asked], alive
    finally:
        process.resume()


async def _order(client: Client, number: int) -> Answer:
    return await client.post("/orders", PLACE, idempotency_key=f"key-{number}")


async def _until_answered(client: Client, number: int) -> Answer:
    async with asyncio.timeout(60):
        while (answer := await _order(client, number)).status in {202, 503}:  # noqa: ASYNC110 (as above)
            await asyncio.sleep(0.2)
        return answer
