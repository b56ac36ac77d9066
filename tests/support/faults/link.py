"""One connection of a client and the one to the broker that stands for it, and how Kafka's frames get from one to the other.

A frame is its length (int32) and so many bytes. A request begins with api key (int16), version (int16) and correlation id (int32), an answer with the
correlation id. TCP loses nothing in the middle of a connection: whatever is lost, is lost together with its connection.
"""

import asyncio
import struct
from collections.abc import Callable
from contextlib import suppress

_HEAD = struct.Struct(">hhi")
"""Api key, version and correlation id."""


class Passage:
    """How one request gets to the broker and its answer back: this one as if nothing lay in between."""

    async def request(self, link: "Link", frame: bytes) -> None:
        """The client has sent the request."""
        await link.to_broker(frame)

    async def answer(self, link: "Link", frame: bytes) -> None:
        """The broker has answered it."""
        await link.to_client(frame)


class Stream:
    """One end: frames come from it and go to it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """The next frame, without its length; IncompleteReadError or OSError when there is none."""
        size = int.from_bytes(await self._reader.readexactly(4))
        return await self._reader.readexactly(size)

    async def write(self, frame: bytes) -> None:
        """Send a frame; OSError when that cannot be done."""
        self._writer.writelines((len(frame).to_bytes(4), frame))
        await self._writer.drain()

    def close(self) -> None:
        """Say that nothing more comes."""
        self._writer.close()


class Link:
    """Carries frames both ways until one end closes; `passage` says how a request of an api key passes."""

    def __init__(self, client: Stream, broker: Stream, passage: Callable[[int], Passage]) -> None:
        self._client = client
        self._broker = broker
        self._passage = passage
        self._unanswered: dict[int, Passage] = {}
        self._open = asyncio.Event()
        self._open.set()

    async def run(self) -> None:
        """Return once the link is closed, at whichever end."""
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
        """Close the client's end alone: the broker learns nothing of it."""
        self._client.close()

    def freeze(self) -> None:
        """Carry nothing more, and tell nobody: the link is half-open until somebody cuts it."""
        self._open.clear()

    async def to_broker(self, frame: bytes) -> None:
        """Send a request on."""
        await self._open.wait()
        await self._broker.write(frame)

    async def to_client(self, frame: bytes) -> None:
        """Send an answer on."""
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
