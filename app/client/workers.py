"""The workers as somebody outside of them finds and asks them: who owns a partition stands in `owners`."""

from typing import Any

import aiohttp
import msgspec
from yarl import URL

from app.client.log_reader import LogReader
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.tasks.ownership import MARK, key_of, mark
from app.streams.topology import WorkerAddress

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
            session.request(method, URL(found.url + path, encoded=True), json=None if method == "GET" else body or {}, allow_redirects=False) as answer,
        ):
            return answer.status, msgspec.json.decode(await read(settings, found, answer))
    except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
        raise FoldstreamError(f"the worker {found.worker_id} at {found.url}, which owns partition {partition}, does not answer: {error!r}") from error


async def read(settings: Settings, asked: WorkerAddress, answer: aiohttp.ClientResponse) -> bytes:
    """The body of a worker's answer; FoldstreamError when it is the answer of something else."""
    if answer.headers.get(MARK) != mark(settings, asked.worker_id):
        raise FoldstreamError(
            f"{asked.url} answers {answer.status}, but not as worker {asked.worker_id}, which advertises it: look at that worker's FOLDSTREAM_ADVERTISED_URL"
        )
    return await answer.read()


async def get(settings: Settings, path: str) -> Answer:
    """GET from any worker, for each answers for all; FoldstreamError as `ask`."""
    return await ask(settings, 0, path, method="GET")


async def owner(settings: Settings, partition: int) -> WorkerAddress | None:
    """Who owns a partition, as `owners` says; None when nobody does."""
    last: bytes | None = None
    async with LogReader(settings) as log:
        async for record in log.key(settings.topic("owners"), key_of(partition)):
            last = record.value
    return None if last is None else msgspec.json.decode(last, type=WorkerAddress)
