"""HTTP client of one worker; answers are plain values."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

import aiohttp

from tests.support.waiting import until
from tests.support.workers.worker import Worker

LONG_S = "60"
"""Session timeout that outlasts any pause of a busy machine (seconds)."""

PLACE: dict[str, Any] = {
    "customerId": "c-1",
    "items": [{"productId": "p-1", "quantity": 2, "price": 5}],
    "shippingAddress": "Here 1",
    "currency": "EUR",
}


class Answer(NamedTuple):
    """Status, body and headers of an answer."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """Client of one worker, at the URL that it advertises or at another one."""

    def __init__(self, session: aiohttp.ClientSession, worker: Worker, url: str | None = None) -> None:
        self.worker = worker
        self._session = session
        self._own_url = url

    @property
    def _url(self) -> str:
        return self._own_url or self.worker.url

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request; `_` in names of headers stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        named = {"content-type": "application/json", **sent} if data is not None else sent
        async with self._session.request(method, self._url + path, data=data, headers=named) as answer:
            raw = await answer.read()
            return Answer(answer.status, json.loads(raw) if raw else None, {name.lower(): value for name, value in answer.headers.items()})

    async def text(self, path: str) -> str:
        """Return the body of an answer that is not JSON."""
        async with self._session.get(self._url + path) as answer:
            return await answer.text()

    def started(self, method: str, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """Begin a request, and leave the answer's body to be read."""
        return self._session.request(method, self.worker.url + path)

    async def lines(self, path: str, **headers: str) -> AsyncIterator[str]:
        """Yield the lines of an endless answer as they arrive."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.get(self._url + path, headers=sent) as answer:
            async for line in answer.content:
                yield line.decode().rstrip("\n")

    async def post(self, path: str, body: object, **headers: str) -> Answer:
        """Send a POST request."""
        return await self.ask("POST", path, body, **headers)

    async def get(self, path: str, **headers: str) -> Answer:
        """Send a GET request."""
        return await self.ask("GET", path, **headers)


async def ready(session: aiohttp.ClientSession, worker: Worker) -> Client:
    """Return a client for the worker, once it serves all its partitions."""
    await until(lambda: worker.serves, within_s=180)
    client = Client(session, worker)
    async with asyncio.timeout(180):
        while (await client.get("/readyz")).status != 200:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return client


async def settled(*clients: Client) -> None:
    """Return once each client's worker answers for every partition, itself or through the owner: no rebalance is under way."""
    async with asyncio.timeout(180):
        while not all([await _answers(client) for client in clients]):  # noqa: ASYNC110 (other processes change it)
            await asyncio.sleep(0.05)


async def _answers(client: Client) -> bool:
    ready_now = (await client.get("/readyz")).status == 200
    return ready_now and all([(await client.get(f"/orders/nobody-{number}")).status == 404 for number in range(16)])
