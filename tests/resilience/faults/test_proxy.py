"""The proxy's faults: each does what it should, and only to the requests that it names. The broker is a real one."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import NewTopic
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, RequestTimedOutError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.produce import ProduceRequest

from tests.support.faults.broker import ProxiedKafka
from tests.support.faults.faults import Fault, HalfOpen, Kind, LateAnswer, LateRequest, LostAnswer, LostRequest
from tests.support.faults.proxy import Proxy
from tests.support.topics import create

PATIENCE_S = 2.0
"""Time that the client waits for an answer that must not come (seconds)."""


class Client:
    """Client that writes to one topic through the proxy, and never retries by itself. Counts the records past the proxy."""

    def __init__(self, client: AIOKafkaClient, topic: str, bootstrap: str) -> None:
        self._client = client
        self._bootstrap = bootstrap
        self.topic = topic

    async def write(self) -> None:
        """Write one record. Raise KafkaError if no answer comes."""
        batch = BatchBuilder(1 << 16, 0)
        batch.append(timestamp=None, key=None, value=b"")
        batch.close()
        partitions = [(0, bytes(batch._build()))]  # noqa: SLF001 (what producers do with it)
        answer = await self._client.send(self._client.get_random_node(), ProduceRequest(None, 1, 1000, [(self.topic, partitions)]))
        assert answer.topics[0][1][0][1] == 0

    def lose_patience(self) -> None:
        """Limit the timeout of the existing connections to PATIENCE_S."""
        for connection in self._client._conns.values():  # noqa: SLF001 (aiokafka shows none)
            connection._request_timeout = PATIENCE_S  # noqa: SLF001 (it is set when they are made)

    async def ask(self) -> list[int]:
        """Return the ports that all brokers advertise."""
        answer = await self._client.send(self._client.get_random_node(), MetadataRequest([self.topic]))
        return [port for _, _, port, *_ in answer.brokers]

    async def written(self) -> int:
        """Return the number of records that the broker has."""
        async with AIOKafkaConsumer(bootstrap_servers=self._bootstrap) as past:
            where = TopicPartition(self.topic, 0)
            return int((await past.end_offsets([where]))[where])


@pytest.fixture
async def client(proxied: ProxiedKafka, proxy: Proxy) -> AsyncIterator[Client]:
    """Yield a client with a topic of its own."""
    topic = f"t{uuid4().hex[:8]}"
    await create(proxied.bootstrap, NewTopic(topic, 1, 1))
    kafka = AIOKafkaClient(bootstrap_servers=proxy.bootstrap, request_timeout_ms=60_000)
    await kafka.bootstrap()
    yield Client(kafka, topic, proxied.bootstrap)
    await kafka.close()


async def test_without_a_fault_everything_passes_and_no_broker_gives_another_address(client: Client, proxy: Proxy) -> None:
    await client.write()

    assert await client.ask() == [proxy.port]
    assert await client.written() == 1
    assert proxy.asked[Kind.PRODUCE] == 1


@pytest.mark.parametrize(
    ("befalls", "error", "written"),
    [(LostRequest, KafkaConnectionError, 0), (LostAnswer, KafkaConnectionError, 1), (LateAnswer, RequestTimedOutError, 1), (HalfOpen, RequestTimedOutError, 0)],
)
async def test_one_request_gets_no_answer_and_is_done_or_not_as_its_fault_says(
    client: Client, proxy: Proxy, befalls: type[Fault], error: type[Exception], written: int
) -> None:
    fault = proxy.arm(befalls(Kind.PRODUCE))

    await _spares_others(client, fault)
    if error is RequestTimedOutError:
        client.lose_patience()
    with pytest.raises(error):
        await client.write()
    await asyncio.wait_for(fault.struck.wait(), 60)

    assert await client.written() == written
    await _goes_on(client, written + 1)


async def test_an_answer_that_is_late_comes_all_the_same(client: Client, proxy: Proxy) -> None:
    fault = proxy.arm(LateAnswer(Kind.PRODUCE))

    await _spares_others(client, fault)
    writing = asyncio.create_task(client.write())
    await asyncio.wait_for(fault.struck.wait(), 60)
    assert await client.written() == 1
    assert not writing.done()
    fault.deliver.set()

    await writing
    await _goes_on(client, written=2)


async def test_a_late_request_is_done_when_the_client_has_long_gone_on(client: Client, proxy: Proxy) -> None:
    fault = proxy.arm(LateRequest(Kind.PRODUCE))

    await _spares_others(client, fault)
    with pytest.raises(KafkaConnectionError):
        await client.write()
    await _goes_on(client, written=1)
    fault.deliver.set()
    await asyncio.wait_for(fault.answered.wait(), 60)

    assert await client.written() == 2


async def test_faults_of_one_kind_come_one_after_the_other(client: Client, proxy: Proxy) -> None:
    first, second = proxy.arm(LostRequest(Kind.PRODUCE)), proxy.arm(LostAnswer(Kind.PRODUCE))

    with pytest.raises(KafkaConnectionError):
        await client.write()
    assert (first.struck.is_set(), second.struck.is_set()) == (True, False)
    with pytest.raises(KafkaConnectionError):
        await client.write()

    assert second.struck.is_set()
    await _goes_on(client, written=2)


async def test_a_cut_closes_every_connection_and_a_new_one_is_carried(client: Client, proxy: Proxy) -> None:
    waiting = asyncio.create_task(client.write())
    held = proxy.arm(LateAnswer(Kind.PRODUCE))
    await asyncio.wait_for(held.struck.wait(), 60)

    proxy.cut()

    with pytest.raises(KafkaConnectionError):
        await waiting
    await _goes_on(client, written=2)


async def test_a_freeze_leaves_every_connection_half_open_and_a_new_one_is_carried(client: Client, proxy: Proxy) -> None:
    await client.write()

    proxy.freeze()
    client.lose_patience()

    with pytest.raises(RequestTimedOutError):
        await client.write()
    await _goes_on(client, written=2)


async def _spares_others(client: Client, fault: Fault) -> None:
    """Assert that a request of another kind passes."""
    await client.ask()
    assert not fault.struck.is_set()


async def _goes_on(client: Client, written: int) -> None:
    """Assert that the next request of the kind passes, and that the broker has this many records."""
    await client.write()
    assert await client.written() == written
