"""Results of a client's own commands, followed in the topic `results`."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from aiokafka import ConsumerRecord

from app.client.topic_follower import TopicFollower
from app.errors import FoldstreamError
from app.settings import Settings

Json = Mapping[str, Any]
"""Command or result as in section 2 of the contract."""

Answer = asyncio.Future[Json]
"""Future of a result."""


class CommandReply(NamedTuple):
    """Reply to a request that waits inside the worker: the result as written, and whether an earlier use of the command id had the same body."""

    result: bytes
    same_body: bool


class ResultFollower(TopicFollower):
    """Follower of `results` from its end on entry. It resolves the future of each expected result, matched by aggregate id and command id."""

    def __init__(self, settings: Settings, patience_s: float) -> None:
        """`patience_s` is the timeout of `answered` (seconds)."""
        super().__init__(settings, settings.topic("results"))
        self._patience_s = patience_s
        self._expected: defaultdict[tuple[str, str], deque[Answer]] = defaultdict(deque)

    def expect(self, command: Json) -> Answer:
        """Return the future result of a command that is about to be sent. If a command is sent twice, the first future gets the first result."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._expected[_name(command)].append(answer)
        return answer

    async def answered(self, answer: Answer) -> Json:
        """Wait for a result and return it. Raise FoldstreamError if it does not arrive in time."""
        if not answer.done():
            await self._wait(answer)
        return answer.result() if answer.done() else self._following.result()

    async def _wait(self, answer: Answer) -> None:
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.wait([answer, self._following], return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError as error:
            raise FoldstreamError(
                f"no result after {self._patience_s:g} s: is a `foldstream worker` running? Sending the same again is safe: nothing is done twice"
            ) from error

    def _take(self, record: ConsumerRecord) -> None:
        self._resolve(msgspec.json.decode(record.value))

    def _resolve(self, result: Json) -> None:
        if waiting := self._expected.get(_name(result)):
            _settle(waiting.popleft(), result)
            if not waiting:
                del self._expected[_name(result)]


def _name(message: Json) -> tuple[str, str]:
    return message["aggregateId"], message["commandId"]


def _settle(answer: Answer, result: Json) -> None:
    if not answer.done():
        answer.set_result(result)
