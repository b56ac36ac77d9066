"""Comparison of the broker's model with a real broker: for the same requests, answers and visible records must be equal."""

import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import NewTopic
from aiokafka.client import AIOKafkaClient

from app.streams.kafka.reader import reader
from tests.conftest import RunningKafka
from tests.model import broker, real
from tests.model.broker import PARTITIONS, Batch, Broker, Init, last_stable_offset, visible
from tests.model.real import LARGEST, Reading, RealBroker
from tests.model.traces import TRACE_STEPS, request, settled
from tests.support.topics import create

TRACES = 16


@pytest.fixture
async def topic(kafka: RunningKafka) -> str:
    """Return a topic with two partitions for each trace."""
    name = f"traces-{uuid4().hex}"
    await create(kafka.bootstrap, NewTopic(name, 2 * TRACES, 1, topic_configs={"max.message.bytes": str(LARGEST)}))
    return name


@pytest.fixture
async def client(kafka: RunningKafka, topic: str) -> AsyncIterator[AIOKafkaClient]:
    """Yield a client that sends requests wherever the test wants."""
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        yield client
    finally:
        await client.close()


@pytest.fixture
async def reading(kafka: RunningKafka) -> AsyncIterator[Reading]:
    """Yield consumers that show the visible state."""
    async with reader(kafka.bootstrap) as committed, AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as uncommitted:
        yield Reading(committed, uncommitted)


async def test_the_model_of_the_broker_is_right(client: AIOKafkaClient, reading: Reading, topic: str) -> None:
    for number in range(TRACES):
        await follow(RealBroker(client, topic, 2 * number), reading, random.Random(number))  # noqa: S311 (chance that can be repeated)


@pytest.mark.control
@pytest.mark.parametrize(
    "rule",
    [
        ("_init", lambda broker: (broker._replace(epoch=broker.epoch + 1, status="empty"), "ok")),
        ("_followed_by_commit", lambda log: tuple((offset, entry) for offset, entry in enumerate(log) if isinstance(entry, Batch))),
    ],
    ids=["a fence aborts nothing", "what is aborted is seen"],
)
async def test_a_model_with_a_wrong_rule_is_found(
    client: AIOKafkaClient, reading: Reading, topic: str, monkeypatch: pytest.MonkeyPatch, rule: tuple[str, Any]
) -> None:
    monkeypatch.setattr(broker, *rule)
    monkeypatch.setattr(real, "SHOWN_S", 1.0)

    with pytest.raises(AssertionError):
        await test_the_model_of_the_broker_is_right(client, reading, topic)


async def follow(real: RealBroker, reading: Reading, chance: random.Random) -> None:
    """Send one trace to both."""
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
