"""What can befall one request on its way, and its answer on the way back."""

import asyncio
from enum import IntEnum

from tests.support.faults.link import Link, Passage


class Kind(IntEnum):
    """The requests that a fault can name, by their api keys (https://kafka.apache.org/protocol#protocol_api_keys)."""

    PRODUCE = 0
    METADATA = 3
    JOIN_GROUP = 11
    HEARTBEAT = 12
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    END_TXN = 26


class Fault(Passage):
    """Befalls one request of a kind; `struck` is set when it has."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.struck = asyncio.Event()


class LostRequest(Fault):
    """The connection breaks before the broker has the request."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Close both ends."""
        del frame
        link.cut()
        self.struck.set()


class LostAnswer(Fault):
    """The broker has done what it was asked for, and the connection breaks before the client knows."""

    async def answer(self, link: Link, frame: bytes) -> None:
        """Close both ends."""
        del frame
        link.cut()
        self.struck.set()


class Late(Fault):
    """What is late arrives once `deliver` is set."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.deliver = asyncio.Event()


class LateAnswer(Late):
    """The answer, and whatever comes after it on the connection, is late; the client may have gone meanwhile."""

    async def answer(self, link: Link, frame: bytes) -> None:
        """Keep it."""
        self.struck.set()
        await self.deliver.wait()
        await link.to_client(frame)


class HalfOpen(Fault):
    """From this request on nothing gets through on the connection, and nobody is told."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Freeze the link."""
        link.freeze()
        self.struck.set()
        await link.to_broker(frame)


class LateRequest(Late):
    """The client sees its connection break; the request lies somewhere in between, and gets to the broker all the same."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind)
        self.answered = asyncio.Event()
        """Set when the broker has answered it; nobody hears that."""

    async def request(self, link: Link, frame: bytes) -> None:
        """Keep it."""
        link.part()
        self.struck.set()
        await self.deliver.wait()
        await link.to_broker(frame)
        await self.answered.wait()  # who reads on finds that the client is gone, and ends the link

    async def answer(self, link: Link, frame: bytes) -> None:
        """Tell the test, and close what is left."""
        del frame
        link.cut()
        self.answered.set()
