"""Clients that misbehave over a bare socket as no library would. Each returns what it received until the worker ended the connection."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.support.http.client import PLACE
from tests.support.workers.worker import Worker

POST = b"POST /orders HTTP/1.1\r\nHost: some\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
ORDER = json.dumps(PLACE).encode()
KIB_64 = b"10000\r\n" + b" " * (1 << 16) + b"\r\n"


class Raw:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, reading: bool) -> None:
        self._reader = reader
        self._writer = writer
        self._got = asyncio.create_task(self._read() if reading else asyncio.sleep(600, b""))

    async def send(self, data: bytes) -> bool:
        """Send once the other side accepts data. Return False once the connection has ended."""
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError:
            return False
        return not self._got.done()

    async def got(self) -> bytes:
        """Return everything that was received until the other side ended the connection."""
        return await self._got

    async def close(self) -> None:
        """Abort the connection."""
        self._got.cancel()
        self._writer.transport.abort()

    async def _read(self) -> bytes:
        got = bytearray()
        with suppress(ConnectionError):
            while part := await self._reader.read(1 << 16):
                got += part
        return bytes(got)


@asynccontextmanager
async def connected(worker: Worker, *, reading: bool = True) -> AsyncIterator[Raw]:
    """Yield a connection to a worker."""
    url = urlsplit(worker.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    if not reading:
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport of a socket has it
    raw = Raw(reader, writer, reading=reading)
    try:
        yield raw
    finally:
        await raw.close()


def statuses(got: bytes) -> list[int]:
    """Return the statuses of the answers received, without 100."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", got) if status != b"100"]


async def silent(raw: Raw) -> bytes:
    """Send nothing."""
    return await raw.got()


async def slow_head(raw: Raw) -> bytes:
    """Send the head, one byte a second."""
    return await _slowly(raw, POST)


async def endless_head(raw: Raw) -> bytes:
    """Send a header without end."""
    await raw.send(POST + b"X-Filler: ")
    while await raw.send(b"x" * (1 << 14)):  # noqa: ASYNC110 (another process ends it)
        await asyncio.sleep(0)
    return await raw.got()


async def slow_body(raw: Raw) -> bytes:
    """Send the body, one byte a second."""
    await raw.send(POST + b"Content-Length: %d\r\n\r\n" % len(ORDER))
    return await _slowly(raw, ORDER)


async def short_body(raw: Raw) -> bytes:
    """Send a body shorter than announced."""
    await raw.send(POST + b"Content-Length: %d\r\n\r\n" % (len(ORDER) + 1) + ORDER)
    return await raw.got()


async def large_body(raw: Raw) -> bytes:
    """Send a body as large as announced, which is too large."""
    await raw.send(POST + b"Content-Length: %d\r\n\r\n" % (1 << 40))
    return await _endlessly(raw, b" " * (1 << 16))


async def endless_body(raw: Raw) -> bytes:
    """Send endless chunks."""
    await raw.send(POST + CHUNKED)
    return await _endlessly(raw, KIB_64)


async def endless_body_of_a_read(raw: Raw) -> bytes:
    """Send endless chunks to a route that reads no body."""
    await raw.send(b"GET /healthz HTTP/1.1\r\nHost: some\r\n" + CHUNKED)
    return await _endlessly(raw, KIB_64)


async def no_http(raw: Raw) -> bytes:
    """Send another protocol."""
    await raw.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return await raw.got()


async def _slowly(raw: Raw, data: bytes) -> bytes:
    for each in data:
        if not await raw.send(bytes([each])):
            break
        await asyncio.sleep(1)
    return await raw.got()


async def _endlessly(raw: Raw, part: bytes) -> bytes:
    while await raw.send(part):  # noqa: ASYNC110 (as above)
        await asyncio.sleep(0.01)
    return await raw.got()
