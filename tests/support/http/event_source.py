"""Browser's `EventSource` by the HTML standard: reconnects when a connection ends, never after a status other than 200."""

import asyncio
from collections.abc import AsyncGenerator
from typing import NamedTuple

import aiohttp


class Event(NamedTuple):
    """Event as a page receives it."""

    identity: str
    kind: str
    data: str


class Failed(Exception):  # noqa: N818 (the standard's word)
    """Failure after which the client never reconnects."""


class EventSource:
    """Client that follows one URL. `opened` is set once the first answer has begun."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.opened = asyncio.Event()
        self.connections = 0
        self.headers: dict[str, str] = {}
        self._session = session
        self._url = url
        self._last_id = ""
        self._retry_s = 3.0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Yield all events, over as many connections as necessary."""
        while True:
            self.connections += 1
            try:
                async for event in self._connection():
                    yield event
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(self._retry_s)

    async def _connection(self) -> AsyncGenerator[Event, None]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": self._last_id} if self._last_id else {})}
        async with self._session.get(self._url, headers=headers) as answer:
            if answer.status != 200 or answer.content_type != "text/event-stream":
                raise Failed(answer.status)
            self.headers = {name.lower(): value for name, value in answer.headers.items()}
            kind, data = "", []
            async for raw in answer.content:
                name, _, value = raw.decode().rstrip("\n").partition(":")
                value = value.removeprefix(" ")
                match name:
                    case "retry":
                        self._retry_s = int(value) / 1000
                        self.opened.set()
                    case "id":
                        self._last_id = value
                    case "event":
                        kind = value
                    case "data":
                        data.append(value)
                    case "" if not value and data:
                        yield Event(self._last_id, kind or "message", "\n".join(data))
                        kind, data = "", []
