"""The demo's worker: a process of its own, started again should it end, as a supervisor would."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from app.demo.ends import ends
from app.embedded_kafka.home import made
from app.embedded_kafka.probe import is_free
from app.errors import FoldstreamError
from app.settings import Settings, variable

STOP_S = 15.0
"""A worker that has not ended this long after it was asked to is killed (seconds)."""

READY_S = 60.0
"""A worker that has not taken over all partitions after this long counts as failed (seconds)."""

_POLL_S = 0.3
_PAUSE_S = 0.5


class Worker:
    """`async with Worker(settings, say)` runs one until the block ends; `say` is told when it ends and is started again."""

    def __init__(self, chosen: Settings, say: Callable[[str], None]) -> None:
        self._chosen = chosen
        self._say = say
        self.log = chosen.datadir.absolute() / "demo-worker.log"
        self.web_port = chosen.web_port if is_free(chosen.web_port) else 0
        """The port of its HTTP server; 0, any that is free, when another program has the usual one."""

    async def __aenter__(self) -> Self:
        made(self.log.parent, variable("datadir"))
        self._process = await self._spawn()
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._watching.cancel()
        with suppress(asyncio.CancelledError):
            await self._watching
        await self._stop()

    async def ready(self) -> None:
        """Return once workers have taken over every partition; FoldstreamError if that takes too long."""
        try:
            async with asyncio.timeout(READY_S):
                while not await self._signed():  # noqa: ASYNC110 (another process changes it)
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise FoldstreamError(f"the worker is not ready after {READY_S:.0f} s: {self.log} says why") from error

    def kill(self) -> None:
        """End the process as a crash would (SIGKILL)."""
        self._process.kill()

    async def _signed(self) -> bool:
        """True when every partition of the changelog has records: a task begins with one."""
        return all(await ends(self._chosen, [self._chosen.changelog]))

    async def _watch(self) -> None:
        while True:
            code = await self._process.wait()
            self._say(f"the worker has ended ({_cause(code)}); starting it again")
            await asyncio.sleep(_PAUSE_S)
            self._process = await self._spawn()

    async def _spawn(self) -> Process:
        """In a session of its own: Ctrl-C is for the demo, which then stops the worker."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app", "worker", stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )

    def _environment(self) -> dict[str, str]:
        """A name of its own lets a restarted worker have its partitions back at once, not only when the session of the killed one is over."""
        return os.environ | {variable("worker_id"): self._chosen.worker_id or "demo", variable("web_port"): str(self.web_port)}

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _cause(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
