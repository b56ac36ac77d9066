"""Server at the URL that one worker advertises to the others. It forwards requests, or answers instead of the worker."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

Answering = Callable[[web.Request, aiohttp.ClientResponse, bytes], Awaitable[web.StreamResponse]]
"""Function that turns the worker's answer into the one that the client gets."""


class Between:
    """Forwarder whose treatment of answers can be changed at any time."""

    def __init__(self, worker: str, session: aiohttp.ClientSession) -> None:
        self.answering: Answering = hand_on
        self.targets: list[str] = []
        """Paths and queries of the requests, byte for byte."""
        self._worker = worker
        self._session = session

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Forward a request to the worker, and answer it."""
        self.targets.append(request.raw_path)
        target, body = URL(self._worker + request.raw_path, encoded=True), await request.read()
        async with self._session.request(request.method, target, data=body or None, headers=request.headers, allow_redirects=False) as answer:
            return await self.answering(request, answer, await answer.read())


@asynccontextmanager
async def between(port: int, worker: str) -> AsyncIterator[Between]:
    """Serve at this port, in front of the worker at that URL."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        middle = Between(worker, session)
        served = web.Application(client_max_size=1 << 24)
        served.router.add_route("*", "/{path:.*}", middle.handle)
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            yield middle
        finally:
            await runner.cleanup()


async def hand_on(_request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Return the worker's answer unchanged."""
    return web.Response(status=answer.status, body=body, headers=_own(answer))


async def compress(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Compress the answer if the client accepts gzip, as proxies do."""
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return await hand_on(request, answer, body)
    return await compress_always(request, answer, body)


async def compress_always(_request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Compress the answer, whether or not the client accepts gzip."""
    return web.Response(status=answer.status, body=gzip.compress(body), headers=_own(answer) | {"Content-Encoding": "gzip"})


async def bad_gateway(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Answer 502, like a proxy whose worker is down."""
    return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")


async def not_found(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Answer 404 like another program that uses the same error format as a worker."""
    return web.json_response({"title": "Not Found", "status": 404, "code": "not-found", "detail": "none"}, status=404, content_type="application/problem+json")


async def empty_list(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Answer with an empty list, like another program whose answer a client would believe."""
    return web.json_response({"items": [], "next": None})


async def another_worker(_request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Answer like a worker of another environment."""
    return web.Response(status=404, body=body, headers=_own(answer) | {"foldstream-worker": "other.foldstream/other-6066"})


async def garbled(_request: web.Request, answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Return the worker's answer with a changed body."""
    return web.Response(status=answer.status, body=b"<html>", headers=_own(answer))


async def redirect(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Redirect elsewhere, as a login page does."""
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/login"})


async def break_off(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Abort the connection in the middle of the answer."""
    response = web.StreamResponse(status=answer.status, headers=_own(answer))
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return response


_OF_A_CONNECTION = {"content-length", "transfer-encoding", "date", "connection"}


def _own(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _OF_A_CONNECTION}
