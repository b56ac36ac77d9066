"""`foldstream skip` passes over offsets that stop a partition: every part of the system skips them, and `verify` reports the loss."""

import asyncio
import shutil
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiokafka import AIOKafkaProducer

from app.client.skipping import Skip, write
from app.errors import FoldstreamError
from app.streams.aiokafka_patches.decompression import BATCH_BYTES
from app.verify.run import audit
from tests.support.foldstream import foldstream
from tests.support.http.client import Answer, Client, ready
from tests.support.waiting import until
from tests.support.workers.environment import Environment, Results
from tests.support.workers.traffic import order
from tests.system.http.test_views import told


async def unreadable(environment: Environment, topic: str) -> int:
    """Write a record that cannot be read. Return its offset."""
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap, compression_type="zstd", max_request_size=1 << 30) as producer:
        return int((await producer.send_and_wait(environment.settings.topic(topic), bytes(BATCH_BYTES), b"k")).offset)


async def placed(client: Client, count: int) -> tuple[list[str], Answer]:
    """Read pages of placed orders until there are this many, or a page fails. Return them and the last answer."""
    orders, path = list[str](), "/events?type=OrderPlaced"
    async with asyncio.timeout(60):
        while (answer := await client.get(path)).status == 200:
            orders += [event["aggregateId"] for event in answer.body["items"]]
            if len(orders) >= count:
                break
            path = f"/events?type=OrderPlaced&position={answer.body['next']}"
    return orders, answer


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_commands_behind_what_is_skipped_are_processed_at_once_and_by_who_takes_over(one_partition: Environment) -> None:
    settings = one_partition.settings
    own: dict[str, Any] = {"broker": settings.bootstrap, "app_id": settings.app_id, "topic_prefix": settings.topic_prefix, "partitions": 1}
    worker = one_partition.worker("worker")
    async with Results(settings) as results, aiohttp.ClientSession() as session:
        await one_partition.send([order("o-1")])
        await results.number(1)
        offset = await unreadable(one_partition, "commands.order")
        await one_partition.send([order("o-2")])
        await until(lambda: "reads no more of" in worker.said, within_s=60)

        command = partial(foldstream, "skip", settings.topic("commands.order"), "0", str(offset), "--reason", "a bomb", "--by", "ops", **own)
        said = await asyncio.to_thread(command)
        await results.number(2)
        await ready(session, worker)
        successor = one_partition.worker("successor")
        worker.destroy()
        await one_partition.send([order("o-3")])
        await results.number(3)
        await ready(session, successor)

    assert (said.returncode, said.stdout) == (0, f"skipped {settings.topic('commands.order')} 0 {offset}\n")
    assert await audit(settings) == []


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_loss_of_events_that_was_accepted_stops_nothing_more_and_is_told_for_ever(one_partition: Environment) -> None:
    settings, log = one_partition.settings, one_partition.settings.topic("events.order")
    worker = one_partition.worker("worker")
    async with Results(settings) as results, aiohttp.ClientSession() as session:
        await one_partition.send([order("o-1")])
        await results.number(1)
        offset = await unreadable(one_partition, "events.order")
        await one_partition.send([order("o-2")])
        await results.number(2)
        await until(lambda: "view 0 stays closed" in worker.said, within_s=60)
        client = Client(session, worker)
        stopped = await client.get("/orders/o-1")
        _, beyond = await placed(client, 2)
        skip = Skip(log, 0, offset, offset, "ops", "a broken disk")
        with pytest.raises(FoldstreamError, match="--accept-loss"):
            await write(settings, skip, accept_loss=False)

        await write(settings, skip, accept_loss=True)
        await ready(session, worker)
        shown = await told(client, "/orders/o-2", orderId="o-2")
        found, _ = await placed(client, 2)
        built = await client.post("/tables/order_summary/0/rebuild", {"rebuildId": "again"})
        async with asyncio.timeout(60):
            while (await client.get("/tables/order_summary/0")).body["last"] is None:  # noqa: ASYNC110 (another process changes it)
                await asyncio.sleep(0.1)

        worker.destroy()
        await one_partition.lose(settings.changelog)
        shutil.rmtree(worker.datadir)
        worker.start()
        await ready(session, worker)
        await one_partition.send([order("o-3")])
        await results.number(3)
        again = await client.get("/orders/o-2")

    assert (stopped.status, stopped.body["code"]) == (503, "view-stopped")
    assert f"{log} [0] {offset}" in stopped.body["detail"]
    assert (beyond.status, beyond.body["code"]) == (503, "unreadable")
    assert (shown.status, built.status, again.status) == (200, 200, 200)
    assert found == ["o-1", "o-2"]
    assert [line for line in await audit(settings) if not line.startswith("skipped")] == []
    [skipped] = [line for line in await audit(settings) if line.startswith("skipped")]
    assert f"{log} [0] {offset}: up to {offset} events were skipped" in skipped


async def test_a_skip_is_refused_where_it_would_pass_over_what_can_be_read_or_is_not_there(one_partition: Environment) -> None:
    settings, log = one_partition.settings, one_partition.settings.topic("events.order")
    async with AIOKafkaProducer(bootstrap_servers=settings.bootstrap) as producer:
        newer = b'{"eventType": "OrderPlaced", "schemaVersion": 99, "aggregateType": "Order", "aggregateId": "o", "version": 1, "payload": {}}'
        await producer.send_and_wait(log, newer, b"o")

    for wanted, why in (
        (Skip(log, 0, 0, 0, "ops", "x"), "newer schema"),
        (Skip(log, 0, 0, 1, "ops", "x"), "has the offsets"),
        (Skip(settings.changelog, 0, 0, 0, "ops", "x"), "cannot be skipped"),
    ):
        with pytest.raises(FoldstreamError, match=why):
            await write(settings, wanted, accept_loss=True)
