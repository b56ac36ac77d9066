"""Faults that strike one request on its way to the broker, or its answer on the way back."""

import asyncio
from enum import IntEnum

from tests.support.faults.link import Link, Passage


class Kind(IntEnum):
    """API keys of the requests that a fault can name (https://kafka.apache.org/protocol#protocol_api_keys)."""

    PRODUCE = 0
    METADATA = 3
    JOIN_GROUP = 11
    HEARTBEAT = 12
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Fault(Passage):
    """Fault that strikes one request of a kind, and then sets `struck`."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.struck = asyncio.Event()


class LostRequest(Fault):
    """Fault that breaks the connection before the broker has the request."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Close both ends."""
        del frame
        link.cut()
        self.struck.set()


class LostAnswer(Fault):
    """Fault that breaks the connection after the broker has done the request, and before the client knows."""

    async def answer(self, link: Link, frame: bytes) -> None:
        """Close both ends."""
        del frame
        link.cut()
        self.struck.set()


class Late(Fault):
    """Base class of faults that hold a message back until `deliver` is set."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.deliver = asyncio.Event()


class LateAnswer(Late):
    """Fault that delays the answer, and everything after it on the connection. The client may have left meanwhile."""

    async def answer(self, link: Link, frame: bytes) -> None:
        """Keep the answer until `deliver` is set."""
        self.struck.set()
        await self.deliver.wait()
        await link.to_client(frame)


class HalfOpen(Fault):
    """Fault that leaves the connection half-open: from this request on nothing passes, and neither end is notified."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Freeze the link."""
        link.freeze()
        self.struck.set()
        await link.to_broker(frame)


class LateRequest(Late):
    """Fault that closes the client's connection, and delivers the request to the broker later all the same."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.answered = asyncio.Event()
        """Set when the broker has answered the request. The answer is dropped."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Keep the request until `deliver` is set."""
        link.part()
        self.struck.set()
        await self.deliver.wait()
        await link.to_broker(frame)
        await self.answered.wait()  # if this returned earlier, the link would find that the client left, and close

    async def answer(self, link: Link, frame: bytes) -> None:
        """Set `answered` for the test, and close what is left of the link."""
        del frame
        link.cut()
        self.answered.set()
