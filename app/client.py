"""Commands from outside: what `send`, `demo` and `replay` talk to the workers with."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from itertools import islice
from types import TracebackType
from typing import Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from app.admin import refuse_start
from app.errors import FoldstreamError
from app.results import Answer, Json, Results
from app.settings import Settings
from app.topics import command_topic

IN_FLIGHT = 5_000
"""Commands of one `send_all` that are sent and not yet answered, at most."""

CHUNK = 500
"""Commands written together."""

PATIENCE_S = 60.0
"""Without the next answer for this long, no worker is at work (seconds)."""


class CommandClient:
    """Sends commands and awaits their results: `async with CommandClient(settings) as client`. Any number of coroutines may share one.

    A command is a mapping with at least the strings `aggregateType`, `aggregateId` and `commandId`; it is written as it is given.
    """

    def __init__(self, settings: Settings, patience_s: float = PATIENCE_S) -> None:
        self._settings = settings
        self._results = Results(settings, patience_s)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await refuse_start(self._settings)
        self._producer = _producer(self._settings.bootstrap)
        await self._open.enter_async_context(self._results)
        await self._open.enter_async_context(self._producer)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._open.aclose()

    async def send(self, command: Json) -> Json:
        """The result of one command; FoldstreamError when the broker refuses it or no worker answers in time."""
        [answer] = await self._write([command])
        return await self._results.answered(answer)

    async def send_all(self, commands: Iterable[Json]) -> AsyncIterator[Json]:
        """The results of many commands, in the order of the commands, which are drawn as room comes free; fails as `send` does."""
        source = iter(commands)
        window: deque[Answer] = deque()
        while chunk := list(islice(source, CHUNK)):
            window.extend(await self._write(chunk))
            while len(window) > IN_FLIGHT - CHUNK:
                yield await self._results.answered(window.popleft())
        while window:
            yield await self._results.answered(window.popleft())

    async def _write(self, commands: list[Json]) -> list[Answer]:
        """Return once the commands are in the log; their results come later."""
        answers = [self._results.expect(command) for command in commands]
        try:
            await asyncio.gather(*[await self._produce(command) for command in commands])
        except KafkaError as error:
            raise FoldstreamError(f"Kafka at {self._settings.bootstrap} did not take the commands: {error!r}") from error
        return answers

    async def _produce(self, command: Json) -> "asyncio.Future[object]":
        topic, key = command_topic(self._settings, command["aggregateType"]), command["aggregateId"].encode()
        written: asyncio.Future[object] = await self._producer.send(topic, msgspec.json.encode(command), key, headers=_headers(command))
        return written


def _producer(bootstrap: str) -> AIOKafkaProducer:
    return AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=2, max_batch_size=256 << 10)


def _headers(command: Json) -> list[tuple[str, bytes]]:
    kind, correlation = str(command.get("commandType", "")), _correlation(command)
    return [("content-type", b"application/json"), ("command-type", kind.encode()), ("correlation-id", correlation.encode())]


def _correlation(command: Json) -> str:
    match command:
        case {"metadata": {"correlationId": str(correlation)}}:
            return correlation
        case _:
            return str(command["commandId"])
