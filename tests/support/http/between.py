"""Something between the workers, at the URL that one of them advertises: it hands on, or answers in the worker's place."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

Answering = Callable[[web.Request, aiohttp.ClientResponse, bytes], Awaitable[web.StreamResponse]]
"""What comes back of the worker's answer to a request."""


class Between:
    """What it does with answers can be changed at any time."""

    def __init__(self, worker: str, session: aiohttp.ClientSession) -> None:
        self.answering: Answering = hand_on
        self.targets: list[str] = []
        """Paths and queries that came, byte for byte."""
        self._worker = worker
        self._session = session

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Ask the worker, and answer."""
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
    """As it came."""
    return web.Response(status=answer.status, body=body, headers=_own(answer))


async def compress(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """As proxies do for a client that takes it."""
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        return await hand_on(request, answer, body)
    return await compress_always(request, answer, body)


async def compress_always(_request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """Whatever the client takes."""
    return web.Response(status=answer.status, body=gzip.compress(body), headers=_own(answer) | {"Content-Encoding": "gzip"})


async def bad_gateway(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """The proxy lives, and not the worker."""
    return web.Response(status=502, text="<html>502 Bad Gateway</html>", content_type="text/html")


async def not_found(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """Another program, which even speaks as a worker does."""
    return web.json_response({"title": "Not Found", "status": 404, "code": "not-found", "detail": "none"}, status=404, content_type="application/problem+json")


async def empty_list(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """The same for what would be believed at once."""
    return web.json_response({"items": [], "next": None})


async def another_worker(_request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """A worker of another environment."""
    return web.Response(status=404, body=body, headers=_own(answer) | {"foldstream-worker": "other.foldstream/other-6066"})


async def garbled(_request: web.Request, answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """An answer of the worker that was changed on its way."""
    return web.Response(status=answer.status, body=b"<html>", headers=_own(answer))


async def redirect(_request: web.Request, _answer: aiohttp.ClientResponse, _body: bytes) -> web.StreamResponse:
    """To somewhere else, as a page for logging in does."""
    return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/login"})


async def break_off(request: web.Request, answer: aiohttp.ClientResponse, body: bytes) -> web.StreamResponse:
    """In the middle of the answer."""
    response = web.StreamResponse(status=answer.status, headers=_own(answer))
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    assert request.transport is not None
    request.transport.abort()
    return response


_OF_A_CONNECTION = {"content-length", "transfer-encoding", "date", "connection"}


def _own(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower() not in _OF_A_CONNECTION}
