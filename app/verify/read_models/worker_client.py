"""HTTP client of verify for workers: fetches the rows of a read model in one partition, page after page."""

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from msgspec import Raw, Struct

from app.client.workers import owner, read
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.topology import WorkerAddress

LIMIT = 1_000
ANSWER_S = 10.0
"""Timeout of a request (seconds). Verify does not ask a worker again that has not answered within it."""
PATIENCE_S = 10.0
"""Total time that verify waits for views that are being opened or change their owner (seconds)."""

_AGAIN_S = 0.2


class Row(Struct):
    """Row as it is on disk, and the table that contains it."""

    table: str
    key: str
    row: Raw


class Page(Struct):
    """Rows of one moment, and the offsets up to which they reflect each topic."""

    positions: dict[str, int]
    items: list[Row]
    next: str | None


class NoWorkerServes(Exception):  # noqa: N818 (what it is)
    """Error: no worker serves the rows. The text says why."""


_page = msgspec.json.Decoder(Page).decode


class WorkerClient:
    """HTTP client of the workers: `async with WorkerClient(settings) as served`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._patience_s = PATIENCE_S
        self._silent: set[str] = set()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_S))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._session.close()

    async def pages(self, table: str, partition: int) -> AsyncIterator[Page]:
        """Yield all rows of a read model in a partition. Raises NoWorkerServes if no worker serves them."""
        asked, after = await self._owner(partition), ""
        while True:
            page = await self._page(asked, f"/tables/{table}/{partition}/rows?limit={LIMIT}{after}")
            yield page
            if page.next is None:
                return
            after = f"&after={page.next}"

    async def _page(self, asked: WorkerAddress, path: str) -> Page:
        while True:
            status, body = await self._get(asked, path)
            if status == HTTPStatus.OK:
                return _read(body)
            if status != HTTPStatus.SERVICE_UNAVAILABLE or self._patience_s <= 0:
                raise NoWorkerServes(f"the worker answers {status} {body[:200].decode(errors='replace')}")
            self._patience_s -= _AGAIN_S
            await asyncio.sleep(_AGAIN_S)

    async def _get(self, asked: WorkerAddress, path: str) -> tuple[int, bytes]:
        try:
            async with self._session.get(asked.url + path, allow_redirects=False) as answer:
                return answer.status, await read(self._settings, asked, answer)
        except (aiohttp.ClientError, TimeoutError) as error:
            self._silent.add(asked.url)
            raise _silent(asked.url) from error
        except FoldstreamError as error:
            raise NoWorkerServes(str(error)) from error

    async def _owner(self, partition: int) -> WorkerAddress:
        """Return the worker that owns the partition. Raises NoWorkerServes if there is none, or if it did not answer before."""
        found = await owner(self._settings, partition)
        if found is None:
            raise NoWorkerServes("no worker serves them")
        if found.url in self._silent:
            raise _silent(found.url)
        return found


def _read(body: bytes) -> Page:
    try:
        return _page(body)
    except msgspec.MsgspecError as error:
        raise NoWorkerServes(f"the worker answers something else than rows: {error}") from error


def _silent(url: str) -> NoWorkerServes:
    return NoWorkerServes(f"the worker at {url} does not answer")
