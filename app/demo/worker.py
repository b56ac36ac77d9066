"""Worker of the demo: a separate process, which is started again if it ends, as by a supervisor."""

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
"""Time that a worker has to end by itself; after it the worker is killed (seconds)."""

READY_S = 60.0
"""Time that a worker has to take over all partitions; after it the start has failed (seconds)."""

_POLL_S = 0.3
_PAUSE_S = 0.5


class Worker:
    """Worker process that runs until the block ends: `async with Worker(settings, say)`. `say` is called when the worker has ended and is started again."""

    def __init__(self, chosen: Settings, say: Callable[[str], None]) -> None:
        self._chosen = chosen
        self._say = say
        self.log = chosen.datadir.absolute() / "demo-worker.log"
        self.web_port = chosen.web_port if is_free(chosen.web_port) else 0
        """Port of its HTTP server; 0, which means any free port, if another program has the usual one."""

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
        """Return once workers have taken over every partition. Raise FoldstreamError if that takes too long."""
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
        """Return True if every partition of the changelog has records, because a task begins by writing one."""
        return all(await ends(self._chosen, [self._chosen.changelog]))

    async def _watch(self) -> None:
        while True:
            code = await self._process.wait()
            self._say(f"the worker has ended ({_cause(code)}); starting it again")
            await asyncio.sleep(_PAUSE_S)
            self._process = await self._spawn()

    async def _spawn(self) -> Process:
        """Start the worker in its own session, so that Ctrl-C reaches only the demo, which then stops the worker."""
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "app", "worker", stdout=log, stderr=log, env=self._environment(), start_new_session=True
            )

    def _environment(self) -> dict[str, str]:
        """Return the environment of the worker. With a fixed worker id, a restarted worker gets its partitions back at once.

        Otherwise it would have to wait for the end of the killed worker's session.
        """
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
