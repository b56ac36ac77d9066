"""The topic `results` as somebody sees it who waits for answers to commands of his own."""

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
"""A command or a result as section 2 of the contract describes it."""

Answer = asyncio.Future[Json]
"""The result that is to come."""


class CommandReply(NamedTuple):
    """What is told to who waits for a command at the worker itself: the result as it was written, and whether its id was used for the same before."""

    result: bytes
    same_body: bool


class ResultFollower(TopicFollower):
    """Follows `results` from the end it has on entry, and hands each result to who expects it, told by aggregate and command id."""

    def __init__(self, settings: Settings, patience_s: float) -> None:
        """After `patience_s` without the answer that is waited for, `answered` fails (seconds)."""
        super().__init__(settings, settings.topic("results"))
        self._patience_s = patience_s
        self._expected: defaultdict[tuple[str, str], deque[Answer]] = defaultdict(deque)

    def expect(self, command: Json) -> Answer:
        """The result that is to come for a command about to be sent; of the same command sent twice, the first gets the first result."""
        answer: Answer = asyncio.get_running_loop().create_future()
        self._expected[_name(command)].append(answer)
        return answer

    async def answered(self, answer: Answer) -> Json:
        """The result itself; FoldstreamError when it does not come in time."""
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
