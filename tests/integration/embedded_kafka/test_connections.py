"""Connection that breaks just before a write: it raises an error of Kafka's, which all code that asks a broker handles."""

import asyncio

import pytest
import uvloop
from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from app.streams.aiokafka_patches import sender as requests
from tests.conftest import RunningKafka


async def write_to_closed(kafka: RunningKafka) -> None:
    """Write to a closed connection, on the event loop of workers, whose transports raise on that."""
    connection = await create_conn("127.0.0.1", kafka.embedded.port)
    try:
        connection._writer.transport.abort()  # noqa: SLF001 (as when the broker resets the connection)
        await asyncio.sleep(0)  # the transport has closed, and the connection's reader does not know it yet
        await connection.send(MetadataRequest([]))
    finally:
        connection.close()


def test_what_is_sent_on_a_connection_that_has_just_broken_is_an_error_of_kafka(kafka: RunningKafka) -> None:
    with pytest.raises(KafkaConnectionError, match="has just broken"):
        uvloop.run(write_to_closed(kafka))


@pytest.mark.control
def test_without_that_it_is_an_error_that_nothing_knows(kafka: RunningKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AIOKafkaConnection, "send", requests.send_whole)

    with pytest.raises(RuntimeError, match="handler is closed"):
        uvloop.run(write_to_closed(kafka))
