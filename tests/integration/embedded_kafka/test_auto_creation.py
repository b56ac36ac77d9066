"""Auto-creation of topics: no client of ours creates a topic by asking for it.

Where a broker allows that, a lost log would return empty, with other settings than the contract's.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from aiokafka.protocol.metadata import MetadataRequest

from app.client import commands as client
from app.embedded_kafka.embedded import EmbeddedKafka
from app.embedded_kafka.java import Java
from app.streams.aiokafka_patches import sender as requests
from app.streams.kafka.reader import bounds, reading
from app.streams.kafka.transactions import producer
from tests.conftest import FreePort

Ask = Callable[[str, str], Coroutine[Any, Any, None]]


class Creating(EmbeddedKafka):
    """Broker that creates topics when a client asks for them, which is Kafka's default."""

    def _format(self, java: Java) -> None:
        super()._format(java)
        with self.home.properties.open("a", encoding="ascii") as file:  # if a name has two lines, the later one counts
            file.write("auto.create.topics.enable=true\n")


@pytest.fixture(scope="module")
def creating(tmp_path_factory: pytest.TempPathFactory, free_port: FreePort) -> Iterator[str]:
    """Yield the bootstrap list of a broker that creates topics."""
    broker = Creating(tmp_path_factory.mktemp("creating"), free_port())
    try:
        broker.start()
        yield broker.bootstrap
    finally:
        broker.stop()


async def read_it(bootstrap: str, topic: str) -> None:
    async with reading(bootstrap) as consumer:
        await bounds(consumer, TopicPartition(topic, 0))


async def write_it(bootstrap: str, topic: str) -> None:
    started = producer(bootstrap, topic)
    await started.start()
    try:
        await started.client._wait_on_metadata(topic)  # noqa: SLF001 (what `send` does first)
    finally:
        await started.stop()


async def send_to_it(bootstrap: str, topic: str) -> None:
    async with client._producer(bootstrap) as started:  # noqa: SLF001 (what commands are sent with)
        await started.client._wait_on_metadata(topic)  # noqa: SLF001 (as above)


@pytest.mark.long
@pytest.mark.parametrize("ask", [read_it, write_it, send_to_it])
async def test_a_topic_that_is_asked_for_is_not_created(creating: str, ask: Ask) -> None:
    await asked_for(creating, ask, f"not-{ask.__name__}")


@pytest.mark.control
async def test_questions_that_create_topics_are_found(creating: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MetadataRequest, "build", requests._build)  # noqa: SLF001 (aiokafka's own)

    with pytest.raises(AssertionError):
        await asked_for(creating, read_it, "created")


async def asked_for(bootstrap: str, ask: Ask, topic: str) -> None:
    """Ask for a missing topic until another topic, created meanwhile, appears. Assert that the missing one was not created."""
    asking = asyncio.create_task(ask(bootstrap, topic))
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        for number in range(10):
            later = f"{topic}-{number}"
            await admin.create_topics([NewTopic(later, 1, 1)])
            async with asyncio.timeout(30):
                while later not in (there := await admin.list_topics()):  # noqa: ASYNC110 (the broker is asked)
                    await asyncio.sleep(0.05)
            assert topic not in there
    finally:
        asking.cancel()
        with suppress(asyncio.CancelledError, KafkaError):
            await asking
        await admin.close()
