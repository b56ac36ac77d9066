"""A rebuild in all partitions, as the command sees it: it asks the owners, again when they are others, and knows what was begun before."""

import asyncio
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

from app.client.workers import ask
from app.errors import FoldstreamError
from app.settings import Settings
from app.topic_admin import refuse_start

Wish = Literal["rebuild", "rollback"]
State = dict[str, Any]

PATIENCE_S = 60.0
"""Without an answer for this long, no worker is at work (seconds)."""

RETRY_S = 0.5
OK, UNAVAILABLE = 200, 503


class Partitions:
    """Each with what its owner said last."""

    def __init__(self, settings: Settings, table: str, wish: Wish) -> None:
        self._settings = settings
        self._rebuild = uuid4().hex
        self._followed: dict[int, str | None] = {}
        """The build that is awaited, by partition: one that was begun before is joined."""
        self.table = table
        self.wish = wish
        self.states: list[State] = []

    @property
    def ended(self) -> bool:
        """True when nothing is being built."""
        return all(state["status"] != "building" and self._is_over(state) for state in self.states)

    @property
    def done(self) -> int:
        """Events in the new rows."""
        return sum(state["done"] for state in self.states)

    @property
    def total(self) -> int:
        """Events in those that are shown."""
        return sum(state["total"] for state in self.states)

    @property
    def description(self) -> str:
        """What is under way."""
        left = sum(state["status"] == "building" for state in self.states)
        return f"{self.table}: {len(self.states) - left} of {len(self.states)} partitions"

    async def begin(self) -> None:
        """Begin in all partitions, or go on with what an earlier command began in some."""
        await refuse_start(self._settings)
        self.states = await self._each("GET", "")
        begun = [state["rebuildId"] for state in self.states if state["rebuildId"] and state["status"] != "faulty"]
        self._rebuild = begun[0] if begun else self._rebuild
        self.states = await self._each("POST", f"/{self.wish}")
        self._follow(self.states)

    async def look(self) -> None:
        """See how far they are; where the owner is another, it begins there."""
        self.states = await self._each("GET", "")
        lost = [state["partition"] for state in self.states if state["status"] == "idle" and not self._is_over(state)]
        for partition in lost:
            self.states[partition] = await self._answer(partition, "POST", f"/{self.wish}")
            self._follow([self.states[partition]])

    async def pause(self) -> None:
        """Hold what is being built."""
        await refuse_start(self._settings)
        await self._each("POST", "/pause")

    def _follow(self, states: list[State]) -> None:
        self._followed |= {state["partition"]: state["rebuildId"] if state["status"] != "idle" else self._rebuild for state in states}

    def _is_over(self, state: State) -> bool:
        last = state["last"]
        return state["status"] != "idle" or (last is not None and last["rebuildId"] == self._followed.get(state["partition"]))

    async def _each(self, method: str, action: str) -> list[State]:
        return list(await asyncio.gather(*(self._answer(partition, method, action) for partition in range(self._settings.partitions))))

    async def _answer(self, partition: int, method: str, action: str) -> State:
        """What the owner says, as soon as there is one; FoldstreamError when it refuses, or there is none for long."""
        failure = ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    status, answer, failure = await self._ask(partition, method, action)
                    if status == OK:
                        return answer
                    if status != UNAVAILABLE:
                        raise FoldstreamError(f"{self.table} [{partition}]: {failure}")
                    await asyncio.sleep(RETRY_S)
        except TimeoutError as error:
            raise FoldstreamError(f"{self.table} [{partition}]: {failure}; what was begun goes on once a worker runs: run this command again") from error

    async def _ask(self, partition: int, method: str, action: str) -> tuple[int, State, str]:
        """Status, body, and what went wrong; a worker that does not answer is unavailable."""
        path = f"/tables/{quote(self.table, safe='')}/{partition}{action}"
        try:
            status, answer = await ask(self._settings, partition, path, {"rebuildId": self._rebuild}, method=method)
        except FoldstreamError as error:
            return UNAVAILABLE, {}, str(error)
        return status, answer, "" if status == OK else f"{answer['code']}: {answer['detail']}"
