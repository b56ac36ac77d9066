"""Forwarding of requests to the worker that owns the aggregate, once and without credentials (contract, section 4; docs/decisions/0034).

Path, query and the forwarded headers stay byte for byte the same. A response counts only if it bears the owner's mark.
"""

import logging
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any, TypeVar

import aiohttp
import msgspec
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from msgspec import Struct
from yarl import URL

from app.streams.tasks.ownership import FORWARDED, MARK, PartitionOwners
from app.streams.topology import WorkerAddress
from app.web.gateway.consistency import not_yet, wait_s
from app.web.gateway.request import command_id
from app.web.http.headers import ASKED, utf8
from app.web.http.problems import break_off, later

log = logging.getLogger(__name__)

TIMEOUT_S = 15.0
"""Timeout for the owner's response (seconds). It is longer than the owner's own timeout for a write; the wait of a read is added."""

AnyResponse = TypeVar("AnyResponse", bound=Response)

ANSWERED = ("content-type", "location", "consistency-token", "duplicate", "retry-after", "etag", "allow", "cache-control", "x-accel-buffering")
"""Response headers that are passed on; the others concern the connection or the caller."""


class NoAnswer(Exception):  # noqa: N818 (names the state)
    """Missing response of the owner, which may nevertheless have executed the request."""


class Page(Struct):
    """Part of a list, from one partition."""

    items: list[dict[str, Any]]
    next: str | None


class Forwarder:
    """Client that forwards requests to the workers that own the partitions."""

    def __init__(self, owners: PartitionOwners, own_url: str) -> None:
        self._owners = owners
        self._own_url = own_url
        self._misled: set[WorkerAddress] = set()
        """Owners at whose URL another server answered last; a warning is logged only once."""
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Open the HTTP client session."""
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), headers={"Accept-Encoding": "identity"}, skip_auto_headers=["Content-Type", "User-Agent"]
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()

    async def ask(self, request: Request, partition: int, query: str | None = None) -> Response:
        """Return the owner's response, to another `query` if given. Raise a Problem if there is no owner, NoAnswer if the owner may have begun."""
        answer = await self._answer(request, partition, query, _timeout(total=_patience_s(request)))
        try:
            async with answer:
                return _handed_on(answer, Response(await answer.read(), answer.status))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(str(error)) from error

    async def stream(self, request: Request, partition: int) -> StreamingResponse:
        """Return the owner's response as a stream of unbounded length. Raise NoAnswer, also from the body, if the stream breaks off."""
        answer = await self._answer(request, partition, None, _timeout(sock_read=_patience_s(request)))
        return _handed_on(answer, StreamingResponse(_passed_on(answer), answer.status))

    async def read(self, request: Request, partition: int, *, query: str | None = None, endless: bool = False) -> Response:
        """Return the owner's response to a read. Raise a Problem if there is none. An `endless` response is streamed, and breaks off as the owner's does."""
        try:
            return await (self._breaking_off(request, partition) if endless else self.ask(request, partition, query))
        except NoAnswer as error:
            raise later("no-owner", f"the worker that owns partition {partition} did not answer: ask again") from error

    async def _breaking_off(self, request: Request, partition: int) -> Response:
        answer = await self.stream(request, partition)
        answer.body_iterator = _whole(request, answer.body_iterator)
        return answer

    async def page(self, request: Request, partition: int, query: str) -> Page:
        """Return the owner's part of a list. Raise a Problem if the owner does not give one."""
        answer = await self.read(request, partition, query=query)
        if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise not_yet()
        with suppress(msgspec.DecodeError):
            if answer.status_code == HTTPStatus.OK:
                return msgspec.json.decode(answer.body, type=Page)
        raise later("no-owner", f"the worker that owns partition {partition} does not answer for it: ask again")

    async def _answer(self, request: Request, partition: int, query: str | None, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:  # noqa: ASYNC109 (aiohttp's own)
        if FORWARDED in request.headers:
            raise later("not-owner", "this worker does not own the aggregate, and the request was forwarded already: ask again")
        owner = self._owners.of(partition)
        if owner is None or owner.url == self._own_url:
            raise later("no-owner", "no worker owns the aggregate's partition at the moment: ask again")
        try:
            answer = await self._ask(request, owner.url, query, timeout)
        except aiohttp.ClientConnectorError as error:
            raise later("no-owner", "the worker that owns the aggregate's partition cannot be reached: ask again") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(str(error)) from error
        if answer.headers.get(MARK) != self._owners.mark(owner):
            answer.close()
            raise self._something_else(owner, answer.status)
        self._misled.discard(owner)
        return answer

    async def _ask(self, request: Request, url: str, query: str | None, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:  # noqa: ASYNC109 (as above)
        assert self._session is not None, "requests are served once this is open"
        headers = {name: utf8(request.headers[name]) for name in ASKED if name in request.headers} | {FORWARDED: "1"}
        if request.method != "GET":
            headers["idempotency-key"] = command_id(request)
        sought: str = request.scope["query_string"].decode() if query is None else query
        target = URL(f"{url}{request.scope['raw_path'].decode()}{f'?{sought}' if sought else ''}", encoded=True)
        body = getattr(request.state, "body", None) or None
        return await self._session.request(request.method, target, data=body, headers=headers, timeout=timeout, allow_redirects=False)

    def _something_else(self, owner: WorkerAddress, status: int) -> NoAnswer:
        if owner not in self._misled:
            self._misled.add(owner)
            log.warning(
                "%s answers %d, but not as worker %s, which advertises it: look at that worker's FOLDSTREAM_ADVERTISED_URL", owner.url, status, owner.worker_id
            )
        return NoAnswer(f"{status} without the worker's mark")


def _patience_s(request: Request) -> float:
    return TIMEOUT_S + (wait_s(request) if request.method == "GET" else 0)


def _timeout(*, total: float | None = None, sock_read: float | None = None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total, sock_read=sock_read, sock_connect=2.0)


def _handed_on(answer: aiohttp.ClientResponse, response: AnyResponse) -> AnyResponse:
    response.raw_headers += [(name.lower(), value) for name, value in answer.raw_headers if name.decode().lower() in ANSWERED]
    return response


async def _passed_on(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async with answer:
            async for part in answer.content.iter_any():
                yield part
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NoAnswer(str(error)) from error


async def _whole(request: Request, parts: AsyncIterable[Any]) -> AsyncIterator[Any]:
    try:
        async for part in parts:
            yield part
    except NoAnswer:
        break_off(request, "the worker that owns the partition has ended in the middle of its answer")
