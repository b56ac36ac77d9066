"""Rebuild of a table in all partitions, driven by the command: it asks the owners, asks new owners again, and joins a rebuild begun before."""

import asyncio
from typing import Any, Literal
from urllib.parse import quote
from uuid import uuid4

from app.client.workers import ask
from app.errors import FoldstreamError
from app.settings import Settings
from app.topics.admin import refuse_start

Wish = Literal["rebuild", "rollback"]
State = dict[str, Any]

PATIENCE_S = 60.0
"""Timeout after which the command assumes that no worker runs (seconds)."""

RETRY_S = 0.5
OK, UNAVAILABLE = 200, 503


class Partitions:
    """Partitions of a table, each with the last state that its owner reported."""

    def __init__(self, settings: Settings, table: str, wish: Wish) -> None:
        self._settings = settings
        self._rebuild = uuid4().hex
        self._followed: dict[int, str | None] = {}
        """Id of the awaited build by partition; a build that was begun before is joined."""
        self.table = table
        self.wish = wish
        self.states: list[State] = []

    @property
    def ended(self) -> bool:
        """True if nothing is being built."""
        return all(state["status"] != "building" and self._is_over(state) for state in self.states)

    @property
    def done(self) -> int:
        """Events in the new rows so far."""
        return sum(state["done"] for state in self.states)

    @property
    def total(self) -> int:
        """Events in the visible rows."""
        return sum(state["total"] for state in self.states)

    @property
    def description(self) -> str:
        """Text of the progress bar."""
        left = sum(state["status"] == "building" for state in self.states)
        return f"{self.table}: {len(self.states) - left} of {len(self.states)} partitions"

    async def begin(self) -> None:
        """Begin in all partitions, or continue the build that an earlier command began in some of them."""
        await refuse_start(self._settings)
        self.states = await self._each("GET", "")
        begun = [state["rebuildId"] for state in self.states if state["rebuildId"] and state["status"] != "faulty"]
        self._rebuild = begun[0] if begun else self._rebuild
        self.states = await self._each("POST", f"/{self.wish}")
        self._follow(self.states)

    async def look(self) -> None:
        """Update the states. Begin again in a partition whose new owner does not know the build."""
        self.states = await self._each("GET", "")
        lost = [state["partition"] for state in self.states if state["status"] == "idle" and not self._is_over(state)]
        for partition in lost:
            self.states[partition] = await self._answer(partition, "POST", f"/{self.wish}")
            self._follow([self.states[partition]])

    async def pause(self) -> None:
        """Pause the builds in all partitions."""
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
        """Return the owner's answer as soon as there is an owner. Raise FoldstreamError if it refuses, or none answers within PATIENCE_S."""
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
        """Return the status, the body and the failure, if any. A worker that does not answer counts as unavailable."""
        path = f"/tables/{quote(self.table, safe='')}/{partition}{action}"
        try:
            status, answer = await ask(self._settings, partition, path, {"rebuildId": self._rebuild}, method=method)
        except FoldstreamError as error:
            return UNAVAILABLE, {}, str(error)
        return status, answer, "" if status == OK else f"{answer['code']}: {answer['detail']}"
