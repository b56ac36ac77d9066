"""Client of the command line: each command gets its own result, or an error that says what to do."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from app.client.commands import CHUNK, IN_FLIGHT, CommandClient, batch_bytes
from app.client.log_reader import LogReader
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.topics.contract import COMMAND_BYTES, command_topic


@pytest.fixture
async def answering(applied: Settings) -> AsyncIterator[Settings]:
    """Yield an environment that accepts each command, and numbers its results in the order of the partition."""
    task = asyncio.create_task(_answer(applied))
    yield applied
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_command_gets_its_result(answering: Settings) -> None:
    async with CommandClient(answering) as client:
        result = await client.send(_command("order-1", "c"))

    assert (result["aggregateId"], result["commandId"], result["outcome"]) == ("order-1", "c", "accepted")


async def test_results_come_in_the_order_of_the_commands_beyond_the_window(answering: Settings) -> None:
    commands = [_command(f"order-{number % 50}", f"c-{number}") for number in range(IN_FLIGHT + 3 * CHUNK)]

    async with CommandClient(answering) as client:
        results = [result async for result in client.send_all(commands)]

    assert [result["commandId"] for result in results] == [command["commandId"] for command in commands]


async def test_a_command_sent_twice_gets_two_results(answering: Settings) -> None:
    async with CommandClient(answering) as client:
        first, second = await asyncio.gather(client.send(_command("o", "c")), client.send(_command("o", "c")))

    assert first["version"] < second["version"]


async def test_results_from_before_are_not_taken_for_new_ones(answering: Settings) -> None:
    async with CommandClient(answering) as client:
        before = await client.send(_command("o", "c"))

    async with CommandClient(answering) as client:
        assert (await client.send(_command("o", "c")))["version"] > before["version"]


async def test_without_a_worker_the_error_says_what_to_run(applied: Settings) -> None:
    async with CommandClient(applied, patience_s=0.3) as client:
        with pytest.raises(FoldstreamError, match="foldstream worker"):
            await client.send(_command("order-1", "c"))


async def test_a_command_that_the_topic_does_not_take_is_an_error(applied: Settings) -> None:
    async with CommandClient(applied) as client:
        with pytest.raises(FoldstreamError, match="did not take the commands"):
            await client.send(_command("order-1", "c") | {"payload": "x" * (1 << 20)})


async def test_the_largest_command_that_has_room_is_taken(applied: Settings) -> None:
    command = _command("order-1", "c")
    room = COMMAND_BYTES - batch_bytes(command | {"payload": "x" * 900_000}) + 900_000

    async with CommandClient(applied, patience_s=0.01) as client:
        with pytest.raises(FoldstreamError, match="no result"):
            await client.send(command | {"payload": "x" * room})


async def test_a_command_is_written_as_given_where_its_key_belongs_with_headers(applied: Settings) -> None:
    command = _command("order-1", "c") | {"metadata": {"correlationId": "flow"}}
    async with CommandClient(applied, patience_s=0.01) as client:
        with pytest.raises(FoldstreamError):
            await client.send(command)

    async with LogReader(applied) as log:
        [record] = [record async for record in log.topic(command_topic(applied, "Order"))]

    assert json.loads(record.value) == command
    assert (record.key, record.partition) == (b"order-1", partition_of(b"order-1", applied.partitions))
    assert dict(record.headers) == {"content-type": b"application/json", "command-type": b"ConfirmOrder", "correlation-id": b"flow"}


def _command(aggregate_id: str, command_id: str) -> dict[str, Any]:
    return {"commandId": command_id, "commandType": "ConfirmOrder", "aggregateId": aggregate_id, "aggregateType": "Order", "payload": {}}


async def _answer(settings: Settings) -> None:
    versions = count(1)
    commands = AIOKafkaConsumer(command_topic(settings, "Order"), bootstrap_servers=settings.bootstrap, auto_offset_reset="earliest")
    async with commands, AIOKafkaProducer(bootstrap_servers=settings.bootstrap) as results:
        async for record in commands:
            result = json.loads(record.value) | {"outcome": "accepted", "version": next(versions)}
            await results.send(settings.topic("results"), json.dumps(result).encode(), record.key)
