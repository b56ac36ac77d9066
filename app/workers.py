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


async def ask(settings: Settings, partition: int, path: str, body: object = None) -> Answer:
    """POST to the worker that owns a partition; FoldstreamError when there is none, or it does not answer."""
    return await _request("POST", await _owner(settings, partition), partition, path, {"json": body or {}})


async def get(settings: Settings, path: str) -> Answer:
    """GET from any worker, for each answers for all; FoldstreamError as `ask`."""
    return await _request("GET", await _owner(settings, 0), 0, path, {})


async def _request(method: str, owner: Owner, partition: int, path: str, body: dict[str, Any]) -> Answer:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session,
            session.request(method, owner.url + path, **body) as answer,
        ):
            return answer.status, msgspec.json.decode(await answer.read())
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise FoldstreamError(f"the worker {owner.worker_id} at {owner.url}, which owns partition {partition}, does not answer: {error!r}") from error


async def _owner(settings: Settings, partition: int) -> Owner:
    last: bytes | None = None
    async with Log(settings) as log:
        async for record in log.key(settings.topic("owners"), key_of(partition)):
            last = record.value
    if last is None:
        raise FoldstreamError(f"no worker owns partition {partition}: start one with `foldstream worker`, and try again")
    return msgspec.json.decode(last, type=Owner)
