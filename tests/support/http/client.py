"""An HTTP client for one worker: what comes back as plain values."""

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
"""A session that outlasts whatever keeps a worker from the processor (seconds)."""

PLACE: dict[str, Any] = {
    "customerId": "c-1",
    "items": [{"productId": "p-1", "quantity": 2, "price": 5}],
    "shippingAddress": "Here 1",
    "currency": "EUR",
}


class Answer(NamedTuple):
    """Status, body and headers."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """Asks one worker, at the URL that it advertises unless there is another way to it."""

    def __init__(self, session: aiohttp.ClientSession, worker: Worker, url: str | None = None) -> None:
        self.worker = worker
        self._session = session
        self._own_url = url

    @property
    def _url(self) -> str:
        return self._own_url or self.worker.url

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send a request; `_` in the names of headers stands for `-`."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if body is None else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        named = {"content-type": "application/json", **sent} if data is not None else sent
        async with self._session.request(method, self._url + path, data=data, headers=named) as answer:
            raw = await answer.read()
            return Answer(answer.status, json.loads(raw) if raw else None, {name.lower(): value for name, value in answer.headers.items()})

    async def text(self, path: str) -> str:
        """What is not JSON."""
        async with self._session.get(self._url + path) as answer:
            return await answer.text()

    def started(self, method: str, path: str) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """An answer whose body is still to be read."""
        return self._session.request(method, self.worker.url + path)

    async def lines(self, path: str, **headers: str) -> AsyncIterator[str]:
        """Those of an answer that does not end, as they come."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self._session.get(self._url + path, headers=sent) as answer:
            async for line in answer.content:
                yield line.decode().rstrip("\n")

    async def post(self, path: str, body: object, **headers: str) -> Answer:
        """The same for POST."""
        return await self.ask("POST", path, body, **headers)

    async def get(self, path: str, **headers: str) -> Answer:
        """The same for GET."""
        return await self.ask("GET", path, **headers)


async def ready(session: aiohttp.ClientSession, worker: Worker) -> Client:
    """A client for the worker, once that serves all that is assigned to it."""
    await until(lambda: worker.serves, within_s=180)
    client = Client(session, worker)
    async with asyncio.timeout(180):
        while (await client.get("/readyz")).status != 200:  # noqa: ASYNC110 (another process changes it)
            await asyncio.sleep(0.05)
    return client


async def settled(*clients: Client) -> None:
    """Return once each of these answers for every partition, by itself or by asking the owner: no rebalance is under way any more."""
    async with asyncio.timeout(180):
        while not all([await _answers(client) for client in clients]):  # noqa: ASYNC110 (other processes change it)
            await asyncio.sleep(0.05)


async def _answers(client: Client) -> bool:
    ready_now = (await client.get("/readyz")).status == 200
    return ready_now and all([(await client.get(f"/orders/nobody-{number}")).status == 404 for number in range(16)])
