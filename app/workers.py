"""The workers as somebody outside of them finds and asks them: who owns a partition stands in `owners`."""

from typing import Any

import aiohttp
import msgspec

from app.errors import FoldstreamError
from app.kernel.owners import Owner, key_of
from app.log import Log
from app.settings import Settings

TIMEOUT_S = 15.0

Answer = tuple[int, Any]
"""The status, and the body as plain values."""


async def ask(settings: Settings, partition: int, path: str, body: object = None, *, method: str = "POST") -> Answer:
    """A request to the worker that owns a partition; FoldstreamError when there is none, or it does not answer."""
    found = await owner(settings, partition)
    if found is None:
        raise FoldstreamError(f"no worker owns partition {partition}: start one with `foldstream worker`, and try again")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.request(method, found.url + path, json=body or {}) as answer,
        ):
            return answer.status, msgspec.json.decode(await answer.read())
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise FoldstreamError(f"the worker {found.worker_id} at {found.url}, which owns partition {partition}, does not answer: {error!r}") from error


async def get(settings: Settings, path: str) -> Answer:
    """GET from any worker, for each answers for all; FoldstreamError as `ask`."""
    return await ask(settings, 0, path, method="GET")


async def owner(settings: Settings, partition: int) -> Owner | None:
    """Who owns a partition, as `owners` says; None when nobody does."""
    last: bytes | None = None
    async with Log(settings) as log:
        async for record in log.key(settings.topic("owners"), key_of(partition)):
            last = record.value
    return None if last is None else msgspec.json.decode(last, type=Owner)
