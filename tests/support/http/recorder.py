"""Server that records the requests it sees, behind the worker's own connection class. It shows without a broker where a request begins and ends."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from itertools import pairwise
from typing import Any, NamedTuple

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.http.connection import BoundedConnection
from app.web.server import serving
from tests.support.waiting import until

WITHIN_S = 30


class Seen(NamedTuple):
    """Request as the server saw it."""

    method: str
    path: str
    body: bytes = b""


class Recorder:
    """Server that answers each request with 200 once it has read all of it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.seen: dict[int, list[Seen]] = {}
        self.headers: dict[str, list[tuple[bytes, bytes]]] = {}
        self.received: dict[int, int] = {}
        """Number of bytes received, by the client's port."""

    @property
    def all(self) -> list[Seen]:
        """Requests of all clients."""
        return [each for seen in self.seen.values() for each in seen]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record a request, and answer it."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.seen.setdefault(scope["client"][1], []).append(Seen(scope["method"], scope["path"], body))
        self.headers[scope["path"]] = list(scope["headers"])
        await send({"type": "http.response.start", "status": 200, "headers": [] if scope["path"] == "/streamed" else [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    async def told(self, *segments: bytes) -> tuple[list[Seen], bytes]:
        """Send the segments, each once the one before was read. Return the requests seen, and the bytes received until the connection ended."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        own, sent = writer.get_extra_info("sockname")[1], 0
        got = asyncio.create_task(_read(reader))
        try:
            for segment in segments:
                writer.write(segment)
                sent += len(segment)
                async with asyncio.timeout(WITHIN_S):
                    while self.received.get(own, 0) < sent and not got.done():  # noqa: ASYNC110 (the server changes it; there are too many segments to wait longer)
                        await asyncio.sleep(0)
            async with asyncio.timeout(WITHIN_S):
                came = await got
            return self.seen.get(own, []), came
        finally:
            got.cancel()
            writer.transport.abort()


@asynccontextmanager
async def recording(connection: type[HttpToolsProtocol] = BoundedConnection) -> AsyncIterator[Recorder]:
    """Yield a recorder served by this class of connections."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        recorder = Recorder(listening.getsockname()[1])

        class Counting(connection):  # type: ignore[valid-type, misc]  # mypy takes no variable for a class
            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                recorder.received[self.client[1]] = recorder.received.get(self.client[1], 0) + len(data)

        server = serving(recorder, Counting)
        served: asyncio.Task[Any] = asyncio.create_task(server.serve([listening]))
        try:
            await until(lambda: server.started, WITHIN_S)
            yield recorder
        finally:
            server.should_exit = True
            await served


def cut(message: bytes, *places: int) -> Sequence[bytes]:
    """Return the message in segments, cut at these places."""
    ends = [0, *places, len(message)]
    return [message[begin:end] for begin, end in pairwise(ends) if begin != end]


async def told(port: int, *segments: bytes) -> bytes:
    """Send the segments. Return the bytes received until the connection ended."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(WITHIN_S):
            reading = asyncio.create_task(_read(reader))
            with suppress(ConnectionError):
                for segment in segments:
                    writer.write(segment)
                    await writer.drain()
            return await reading
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    got = bytearray()
    with suppress(ConnectionError):
        while part := await reader.read(1 << 16):
            got += part
    return bytes(got)
