"""Proxy between clients and the broker, in which a test arms faults."""

import asyncio
from collections import Counter
from typing import Self, TypeVar

from app.embedded_kafka.properties import HOST
from tests.support.faults.faults import Fault
from tests.support.faults.link import Link, Passage, Stream

_BUFFER_BYTES = 4 << 20
_WHOLE = Passage()

AnyFault = TypeVar("AnyFault", bound=Fault)


class Proxy:
    """Proxy that listens on `port` of the loopback address, and links each client to `broker_port`: `async with Proxy(port, broker_port) as proxy`."""

    def __init__(self, port: int, broker_port: int) -> None:
        self.port = port
        self.asked: Counter[int] = Counter()
        """Number of requests, by api key."""
        self._broker_port = broker_port
        self._faults: list[Fault] = []
        self._links: dict[Link, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=_BUFFER_BYTES)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._server.close()
        running = list(self._links.values())
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @property
    def bootstrap(self) -> str:
        """Bootstrap list of clients that must reach the broker only through this proxy."""
        return f"{HOST}:{self.port}"

    def arm(self, fault: AnyFault) -> AnyFault:
        """Arm a fault for the next request of its kind. Of several faults the one armed first strikes."""
        self._faults.append(fault)
        return fault

    def cut(self) -> None:
        """Close every connection at both ends."""
        for link in self._links:
            link.cut()

    def freeze(self) -> None:
        """Leave every connection half-open. New ones work."""
        for link in self._links:
            link.freeze()

    def _passage(self, api_key: int) -> Passage:
        self.asked[api_key] += 1
        fault = next((each for each in self._faults if each.kind == api_key), None)
        if fault is None:
            return _WHOLE
        self._faults.remove(fault)
        return fault

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Stream(reader, writer)
        try:
            broker = Stream(*await asyncio.open_connection(HOST, self._broker_port, limit=_BUFFER_BYTES))
        except OSError:
            client.close()
            return
        link = Link(client, broker, self._passage)
        self._links[link] = _current()
        try:
            await link.run()
        finally:
            del self._links[link]


def _current() -> "asyncio.Task[None]":
    running = asyncio.current_task()
    assert running is not None
    return running
