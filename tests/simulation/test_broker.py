"""The model of the broker and the real one are given the same requests, and must answer and show the same."""

import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.client import AIOKafkaClient

from app.kernel.reader import reader
from tests.conftest import RunningKafka
from tests.simulation.broker import PARTITIONS, Broker, Init, last_stable_offset, visible
from tests.simulation.real import LARGEST, RealBroker, Reading
from tests.simulation.traces import TRACE_STEPS, request, settled

TRACES = 40


@pytest.fixture
async def topic(kafka: RunningKafka) -> str:
    name = f"traces-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2 * TRACES, 1, topic_configs={"max.message.bytes": str(LARGEST)})])
    finally:
        await admin.close()
    return name


@pytest.fixture
async def client(kafka: RunningKafka, topic: str) -> AsyncIterator[AIOKafkaClient]:
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        yield client
    finally:
        await client.close()


@pytest.fixture
async def reading(kafka: RunningKafka) -> AsyncIterator[Reading]:
    async with reader(kafka.bootstrap) as committed, AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as uncommitted:
        yield Reading(committed, uncommitted)


async def test_the_model_of_the_broker_is_right(client: AIOKafkaClient, reading: Reading, topic: str) -> None:
    for number in range(TRACES):
        await follow(RealBroker(client, topic, 2 * number), reading, random.Random(number))


async def follow(real: RealBroker, reading: Reading, chance: random.Random) -> None:
    model, granted, told = Broker(), list[int](), list[str]()
    for number in range(TRACE_STEPS):
        asked = request(model, granted, number, chance) if granted else Init()
        model, expected = settled(model, asked)
        if isinstance(asked, Init):
            granted.append(model.epoch)
        answer = await real.receive(asked, model.epoch)
        told.append(f"{asked}: {answer}, expected {expected}")
        assert answer == expected, "\n".join(told)
        ends = [(last_stable_offset(model, partition), len(model.partitions[partition].log)) for partition in PARTITIONS]
        assert await reading.ends(real.partitions(), ends) == ends, "\n".join(told)
    for partition, where in zip(PARTITIONS, real.partitions(), strict=True):
        seen = [(offset, batch.content) for offset, batch in visible(model, partition)]
        assert await reading.visible(where, last_stable_offset(model, partition)) == seen, "\n".join(told)
