"""Timestamps of senders on topics that should have the broker's. Orders complete with any of them, and senders learn of parked records."""

from collections.abc import Iterable

import pytest
from aiokafka import AIOKafkaProducer
from msgspec import json

from app.client.results import Json
from app.verify.run import audit
from tests.support.workers.environment import Environment, Results
from tests.support.workers.shop import command, customer, order, product, sagas
from tests.support.workers.worker import WHOLE

SECONDS = 1_764_000_000
FOR_EVER = str(2**63 - 1)
TIMES = {"seconds": SECONDS, "microseconds": SECONDS * 10**6, "nanoseconds": SECONDS * 10**9, "zero": 0, "none": -1, "negative": -5, "far": 2**62}


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_orders_with_any_timestamp_go_all_the_way_and_block_nothing(environment: Environment) -> None:
    for name in ("commands.order", "commands.customer", "commands.product"):
        await environment.configure(name, message_timestamp_type="CreateTime", message_timestamp_after_max_ms=FOR_EVER, retention_ms="-1")
    environment.worker("worker", program=WHOLE)
    async with sagas(environment) as found, Results(environment.settings, wanted=lambda result: result["outcome"] == "parked") as parked:
        for name, timestamp_ms in TIMES.items():
            registered = [customer(f"c-{name}"), *product(f"p-{name}")]
            placed = [order(f"o-{name}", f"p-{name}", customer=f"c-{name}"), command("Order", f"unknown-{name}", "PaintOrder", f"paint-{name}")]
            await _send(environment, [*registered, *placed], timestamp_ms)
        await found.ended([f"o-{name}" for name in TIMES])
        await parked.number(len(TIMES))

    assert found.lasts() == {f"o-{name}": "SagaCompleted" for name in TIMES}
    assert {result["commandId"] for result in parked.all} == {f"paint-{name}" for name in TIMES}
    assert await audit(environment.settings) == []


async def _send(environment: Environment, commands: Iterable[Json], timestamp_ms: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=environment.settings.bootstrap) as producer:
        for each in commands:
            topic = environment.settings.topic(f"commands.{each['aggregateType'].lower()}")
            await producer.send_and_wait(topic, json.encode(each), each["aggregateId"].encode(), timestamp_ms=timestamp_ms)
