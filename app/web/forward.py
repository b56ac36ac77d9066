"""A request for an aggregate of another worker goes there, once; no credentials go with it (contract, section 4)."""

from collections.abc import AsyncIterator

import aiohttp
from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.kernel.owners import Owners
from app.web.fresh import wait_s
from app.web.problem import later
from app.web.request import command_id

FORWARDED = "foldstream-forwarded"
TIMEOUT_S = 15.0
"""The owner answers within its own time for a write, which is less; what a read may wait comes on top (seconds)."""

ASKED = ("content-type", "idempotency-key", "if-match", "if-none-match", "prefer", "x-correlation-id", "traceparent", "consistency-token", "last-event-id")
ANSWERED = ("content-type", "location", "consistency-token", "duplicate", "retry-after", "etag")
"""Headers that are handed on; others say something about a connection, or about who asks."""


class Forwarder:
    """Asks the workers that own what this one does not."""

    def __init__(self, owners: Owners, own_url: str) -> None:
        self._owners = owners
        self._own_url = own_url
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Get ready."""
        self._session = aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, request: Request, partition: int, query: str | None = None) -> Response:
        """The owner's answer, to another `query` if that is given; a Problem when there is none. aiohttp's errors, once the owner may have begun."""
        answer = await self._answer(request, partition, request.url.query if query is None else query, _timeout(total=_patience_s(request)))
        async with answer:
            return Response(await answer.read(), answer.status, _told(answer))

    async def stream(self, request: Request, partition: int) -> Response:
        """The same for an answer without a bound: it is passed on as it comes. One that breaks off breaks off for the client, too."""
        answer = await self._answer(request, partition, request.url.query, _timeout(sock_read=_patience_s(request)))
        return StreamingResponse(_passed_on(answer), answer.status, _told(answer))

    async def read(self, request: Request, partition: int, *, endless: bool = False) -> Response:
        """The owner's answer to a read, as it comes if it is `endless`; a Problem, also when the owner does not answer."""
        try:
            return await (self.stream(request, partition) if endless else self.ask(request, partition))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise later("no-owner", "the worker that owns the partition did not answer: ask again") from error

    async def _answer(self, request: Request, partition: int, query: str, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:  # noqa: ASYNC109 (aiohttp's own)
        if FORWARDED in request.headers:
            raise later("not-owner", "this worker does not own the aggregate, and the request was forwarded already: ask again")
        owner = self._owners.of(partition)
        if owner is None or owner.url == self._own_url:
            raise later("no-owner", "no worker owns the aggregate's partition at the moment: ask again")
        try:
            return await self._ask(request, owner.url, query, timeout)
        except aiohttp.ClientConnectorError as error:
            raise later("no-owner", "the worker that owns the aggregate's partition cannot be reached: ask again") from error

    async def _ask(self, request: Request, url: str, query: str, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:  # noqa: ASYNC109 (as above)
        assert self._session is not None, "requests are served once this is open"
        headers = {name: request.headers[name] for name in ASKED if name in request.headers} | {FORWARDED: "1"}
        if request.method not in {"GET", "HEAD"}:
            headers["idempotency-key"] = command_id(request)
        target = f"{url}{request.url.path}{f'?{query}' if query else ''}"
        data = getattr(request.state, "body", None)
        return await self._session.request(request.method, target, data=data, headers=headers, timeout=timeout, allow_redirects=False)


def _patience_s(request: Request) -> float:
    return TIMEOUT_S + (wait_s(request) if request.method == "GET" else 0)


def _timeout(*, total: float | None = None, sock_read: float | None = None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, sock_read=sock_read, sock_connect=2.0)


def _told(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: answer.headers[name] for name in ANSWERED if name in answer.headers}


async def _passed_on(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for part in answer.content.iter_any():
            yield part
