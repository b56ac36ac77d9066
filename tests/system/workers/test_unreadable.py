"""Records that cannot be read stop their own partition of a topic and are named. Awkward headers or sizes are parked; the rest continues."""

import asyncio

import aiohttp
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from app.client.parked_records import open_records
from app.streams.aiokafka_patches.decompression import BATCH_BYTES
from app.streams.aiokafka_patches.header_names import LenientBatch
from app.verify.run import audit
from tests.support.http.client import Client
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import order

NO_UTF_8 = "c\udcc3("


@pytest.mark.timeout(300)
async def test_a_batch_that_unpacks_to_too_much_stops_its_topic_alone_and_records_that_are_awkward_stop_nothing(one_partition: Environment) -> None:
    settings = one_partition.settings
    worker = one_partition.worker("worker")
    async with (
        Results(settings) as results,
        AIOKafkaProducer(bootstrap_servers=settings.bootstrap, compression_type="gzip", max_request_size=1 << 30) as producer,
    ):
        strange = LenientBatch(producer, 1 << 20)
        strange.append(timestamp=1, key=b"o-1", value=msgspec.json.encode(order("o-1")), headers=[(NO_UTF_8, b"1")])
        strange.append(timestamp=1, key=b"o-2", value=b"no command", headers=[(NO_UTF_8, b"1")])
        strange.close()
        await (await producer.send_batch(strange, settings.topic("commands.order"), partition=0))
        await producer.send_and_wait(settings.topic("commands.order"), bytes(6 << 20), b"o-3")
        await one_partition.send([order("o-4")])
        await results.number(2)
        await producer.send_and_wait(settings.topic("commands.order"), bytes(BATCH_BYTES), b"o-5")
        await until(lambda: "reads no more of" in worker.said, within_s=60)
        await producer.send_and_wait(settings.topic("commands.customer"), b"{", b"c-1")
        async with aiohttp.ClientSession() as session:
            client = Client(session, worker)
            async with asyncio.timeout(60):
                while (found := await client.get("/parked")).body["items"][0]["key"] != "c-1":  # noqa: ASYNC110 (another process changes it)
                    await asyncio.sleep(0.1)
            ready, alive, metrics = await client.get("/readyz"), await client.get("/healthz"), await client.text("/metrics")
            read = await client.get("/orders/o-4")
    parked = {row.key: row async for row in open_records(settings)}

    assert {result["aggregateId"] for result in results.all} == {"o-1", "o-4"}
    assert (ready.status, alive.status, read.status, found.status) == (503, 200, 200, 200)
    assert f"{settings.topic('commands.order')} [0] 4 cannot be read" in ready.body["detail"]
    assert 'foldstream_stopped{partition="0",task="write"} 1.0' in metrics
    assert [name for name, _ in parked[b"o-2"].came_with] == [NO_UTF_8]
    assert parked[b"o-3"].cut == f"value {6 << 20}"
    assert not worker.ended


async def test_verify_names_what_it_cannot_read(one_partition: Environment) -> None:
    settings = one_partition.settings
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap, compression_type="gzip", max_request_size=1 << 30) as producer:
        await producer.send_and_wait(settings.topic("commands.order"), bytes(BATCH_BYTES), b"o-5")

    findings = await audit(settings)

    assert any(f"{settings.topic('commands.order')} [0] 0 cannot be read" in str(finding) for finding in findings)
