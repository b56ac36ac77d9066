"""Client for the HTTP API of workers. The topic `owners` says which worker owns a partition."""

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
"""Status, and the decoded body."""


async def ask(settings: Settings, partition: int, path: str, body: object = None, *, method: str = "POST") -> Answer:
    """Send a request to the worker that owns a partition. Raise FoldstreamError if there is no such worker, or it does not answer."""
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
    """Read the body of a worker's response. Raise FoldstreamError if another server responded."""
    if answer.headers.get(MARK) != mark(settings, asked.worker_id):
        raise FoldstreamError(
            f"{asked.url} answers {answer.status}, but not as worker {asked.worker_id}, which advertises it: look at that worker's FOLDSTREAM_ADVERTISED_URL"
        )
    return await answer.read()


async def get(settings: Settings, path: str) -> Answer:
    """Send a GET that any worker can answer to the owner of partition 0. Raise FoldstreamError as `ask` does."""
    return await ask(settings, 0, path, method="GET")


async def owner(settings: Settings, partition: int) -> WorkerAddress | None:
    """Return the owner of a partition according to `owners`, or None if it has no owner."""
    last: bytes | None = None
    async with LogReader(settings) as log:
        async for record in log.key(settings.topic("owners"), key_of(partition)):
            last = record.value
    return None if last is None else msgspec.json.decode(last, type=WorkerAddress)
