"""Client that sends commands through Kafka, used by `send`, `demo` and `replay`."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from itertools import islice
from types import TracebackType
from typing import Any, Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from app.client.results import Answer, Json, ResultFollower
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.partitioner import partition_of
from app.topics.admin import refuse_start
from app.topics.contract import COMMAND_BYTES, command_topic

IN_FLIGHT = 5_000
"""Commands of one `send_all` that wait for their results, at most."""

CHUNK = 500
"""Commands that are written together."""

BATCH_BYTES = COMMAND_BYTES // 2
"""Size of a batch (bytes). A larger command travels alone; the broker rejects one larger than COMMAND_BYTES."""

PATIENCE_S = 60.0
"""Timeout for the next result, after which the client assumes that no worker runs (seconds)."""


Where = tuple[str, int]
"""Topic and partition."""


class CommandClient:
    """Client that sends commands and waits for their results: `async with CommandClient(settings) as client`. Any number of coroutines may share it.

    A command is a mapping with at least the strings `aggregateType`, `aggregateId` and `commandId`. It is written unchanged.
    """

    def __init__(self, settings: Settings, patience_s: float = PATIENCE_S) -> None:
        self._settings = settings
        self._results = ResultFollower(settings, patience_s)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await refuse_start(self._settings)
        await self._open.enter_async_context(self._results)
        self._producer = await self._open.enter_async_context(_producer(self._settings.bootstrap))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._open.aclose()

    async def send(self, command: Json) -> Json:
        """Send one command and return its result. Raise FoldstreamError if the broker rejects it or no worker answers in time."""
        [answer] = await self._write([command])
        return await self._results.answered(answer)

    async def send_all(self, commands: Iterable[Json]) -> AsyncIterator[Json]:
        """Send many commands and yield their results in the same order. Commands are taken from the iterable as results arrive. Errors are those of `send`."""
        source = iter(commands)
        window: deque[Answer] = deque()
        while chunk := list(islice(source, CHUNK)):
            window.extend(await self._write(chunk))
            while len(window) > IN_FLIGHT - CHUNK:
                yield await self._results.answered(window.popleft())
        while window:
            yield await self._results.answered(window.popleft())

    async def _write(self, commands: list[Json]) -> list[Answer]:
        """Write the commands. Return once they are in the log, with the futures of their results."""
        answers = [self._results.expect(command) for command in commands]
        try:
            await asyncio.gather(*[await self._producer.send_batch(batch, topic, partition=partition) for (topic, partition), batch in self._batches(commands)])
        except KafkaError as error:
            raise FoldstreamError(f"Kafka at {self._settings.bootstrap} did not take the commands: {error!r}") from error
        return answers

    def _batches(self, commands: list[Json]) -> Iterator[tuple[Where, BatchBuilder]]:
        """Pack the commands into batches for their partitions, in order. A batch costs aiokafka little more than a single record."""
        filling: dict[Where, BatchBuilder] = {}
        for command in commands:
            where, record = self._where(command), _record(command)
            if where in filling and filling[where].append(**record) is None:
                yield where, filling.pop(where)
            if where not in filling:
                filling[where] = self._producer.create_batch()
                filling[where].append(**record)
        yield from filling.items()

    def _where(self, command: Json) -> Where:
        return command_topic(self._settings, command["aggregateType"]), partition_of(command["aggregateId"].encode(), self._settings.partitions)


def batch_bytes(command: Json) -> int:
    """Return the size of a batch with only this command, to compare with the topic's `max.message.bytes`. The estimate may be a few bytes too high."""
    record = _record(command)
    return int(DefaultRecordBatchBuilder.estimate_size_in_bytes(record["key"], record["value"], record["headers"]))


def _producer(bootstrap: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES)


def _record(command: Json) -> dict[str, Any]:
    return {"key": command["aggregateId"].encode(), "value": msgspec.json.encode(command), "headers": _headers(command), "timestamp": None}


def _headers(command: Json) -> list[tuple[str, bytes]]:
    kind, correlation = str(command.get("commandType", "")), _correlation(command)
    return [("content-type", b"application/json"), ("command-type", kind.encode()), ("correlation-id", correlation.encode())]


def _correlation(command: Json) -> str:
    match command:
        case {"metadata": {"correlationId": str(correlation)}}:
            return correlation
        case _:
            return str(command["commandId"])
