"""Answers to requests that are under way when a worker is asked to exit."""

import asyncio
from signal import SIGTERM

import aiohttp
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from app.web.gateway.consistency import ConsistencyToken
from tests.support.http.client import PLACE, ready
from tests.support.workers.environment import Environment


@pytest.mark.long
async def test_writes_are_answered_202_and_reads_503_when_the_worker_ends_before_they_are_answered(one_partition: Environment) -> None:
    settings, commands = one_partition.settings, TopicPartition(one_partition.settings.topic("commands.order"), 0)
    worker = one_partition.worker("worker")
    async with (
        aiohttp.ClientSession() as session,
        AIOKafkaProducer(bootstrap_servers=settings.bootstrap, transactional_id=f"{settings.app_id}-other") as other,
        AIOKafkaConsumer(bootstrap_servers=settings.bootstrap) as written,
    ):
        client = await ready(session, worker)
        placed = (await client.post("/orders", PLACE)).body["orderId"]
        await other.begin_transaction()  # nothing behind it can be read while it is open
        await other.send_and_wait(commands.topic, b"{}", b"never", partition=0)
        written.assign([commands])
        [end] = (await written.end_offsets([commands])).values()

        writing = asyncio.create_task(client.post("/orders", PLACE))
        reading = asyncio.create_task(client.get(f"/orders/{placed}", consistency_token=str(ConsistencyToken("Order", placed, 9)), prefer="wait=30"))
        while (await written.end_offsets([commands]))[commands] == end:  # noqa: ASYNC110 (the broker is asked)
            await asyncio.sleep(0.02)
        worker.signal(SIGTERM)
        write, read = await asyncio.gather(writing, reading)
        await other.abort_transaction()

    assert (write.status, write.headers["location"].startswith("/commands/Order/")) == (202, True)
    assert (read.status, read.headers["content-type"], read.headers["retry-after"]) == (503, "application/problem+json", "1")
    assert await worker.exit_code(within_s=60) == 0
