"""HTTP proxy in front of a worker that passes bytes on. It answers instead of the worker while that is down, or when the test sets an answer."""

import asyncio
from contextlib import suppress
from typing import Self

from app.embedded_kafka.properties import HOST

CHUNK_BYTES = 1 << 16


def _answer(status: str, content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


BAD_GATEWAY = _answer("502 Bad Gateway", "text/html", b"<html><h1>502 Bad Gateway</h1></html>")

ANSWERS = (
    BAD_GATEWAY,
    _answer("504 Gateway Time-out", "text/html", b"<html><h1>504</h1></html>"),
    _answer("200 OK", "text/html", b"<html>Please sign in</html>"),
    _answer("200 OK", "application/json", b"{}"),
    _answer("201 Created", "application/json", b'{"orderId": "another", "version": 1, "status": "PLACED"}'),
    _answer("404 Not Found", "application/problem+json", b'{"code": "not-found", "status": 404}'),
    _answer("401 Unauthorized", "application/json", b'{"error": "no token"}'),
)
"""Answers of proxies, sign-in pages and other applications."""


class Impostor:
    """Proxy that listens on `port` and forwards to the worker's `worker_port`: `async with Impostor(port, worker_port) as proxy`."""

    def __init__(self, port: int, worker_port: int) -> None:
        self.worker_port = worker_port
        self.answer: bytes | None = None
        """Answer to every request; None while requests are forwarded."""
        self.answered = 0
        """Number of requests that this proxy answered instead of the worker."""
        self._port = port
        self._carrying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self._port)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        for each in self._carrying:
            each.cancel()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    @property
    def url(self) -> str:
        """URL that the worker advertises."""
        return f"http://{HOST}:{self._port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running = asyncio.current_task()
        assert running is not None
        self._carrying.add(running)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._carry(reader, writer)
        finally:
            self._carrying.discard(running)
            writer.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        try:
            if self.answer is not None:
                raise ConnectionRefusedError
            worker_reader, worker_writer = await asyncio.open_connection(HOST, self.worker_port)
        except OSError:
            self.answered += 1
            writer.write(self.answer or BAD_GATEWAY)
            await writer.drain()
            return
        worker_writer.write(head)
        await _both_ways((reader, worker_writer), (worker_reader, writer))


async def _both_ways(*ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
    carrying = [asyncio.create_task(_one_way(*way)) for way in ways]
    try:
        await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in carrying:
            each.cancel()
        await asyncio.wait(carrying)
        for _, writer in ways:
            writer.close()


async def _one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
