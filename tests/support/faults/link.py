"""Link: a client's connection, and the proxy's own to the broker, with Kafka's frames passed between them.

A frame is its length (int32) and so many bytes. A request begins with api key (int16), version (int16) and correlation id (int32), an answer with the
correlation id. TCP loses nothing in the middle of a connection: a lost frame is lost together with its connection.
"""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress

_HEAD = struct.Struct(">hhi")
"""Layout of api key, version and correlation id."""


class Passage:
    """Passage of one request to the broker, and of its answer back. This one changes nothing."""

    async def request(self, link: "Link", frame: bytes) -> None:
        """Pass on the request that the client has sent."""
        await link.to_broker(frame)

    async def answer(self, link: "Link", frame: bytes) -> None:
        """Pass on the broker's answer to it."""
        await link.to_client(frame)


class Stream:
    """One end of a link: reads frames and writes frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """Return the next frame, without its length. Raise IncompleteReadError or OSError if there is none."""
        size = int.from_bytes(await self._reader.readexactly(4))
        return await self._reader.readexactly(size)

    async def write(self, frame: bytes) -> None:
        """Send a frame. Raise OSError if that is impossible."""
        self._writer.writelines((len(frame).to_bytes(4), frame))
        await self._writer.drain()

    def close(self) -> None:
        """Close this end."""
        self._writer.close()


class Link:
    """Link that passes frames both ways until one end closes; `passage` returns the passage of a request by its api key."""

    def __init__(self, client: Stream, broker: Stream, passage: Callable[[int], Passage]) -> None:
        self._client = client
        self._broker = broker
        self._passage = passage
        self._unanswered: dict[int, Passage] = {}
        self._open = asyncio.Event()
        self._open.set()

    async def run(self) -> None:
        """Return once the link is closed, at either end."""
        carrying = [asyncio.create_task(carry()) for carry in (self._requests, self._answers)]
        try:
            await asyncio.wait(carrying, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.cut()
            for each in carrying:
                each.cancel()
            await asyncio.wait(carrying)

    def cut(self) -> None:
        """Close both ends."""
        self.part()
        self._broker.close()

    def part(self) -> None:
        """Close the client's end only. The broker does not notice."""
        self._client.close()

    def freeze(self) -> None:
        """Pass nothing more, and close nothing: the link stays half-open until the test cuts it."""
        self._open.clear()

    async def to_broker(self, frame: bytes) -> None:
        """Pass a request on."""
        await self._open.wait()
        await self._broker.write(frame)

    async def to_client(self, frame: bytes) -> None:
        """Pass an answer on."""
        await self._open.wait()
        await self._client.write(frame)

    async def _requests(self) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                frame = await self._client.read()
                api_key, _, correlation_id = _HEAD.unpack_from(frame)
                passage = self._unanswered[correlation_id] = self._passage(api_key)
                await passage.request(self, frame)

    async def _answers(self) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            while True:
                frame = await self._broker.read()
                passage = self._unanswered.pop(int.from_bytes(frame[:4]))
                await passage.answer(self, frame)
