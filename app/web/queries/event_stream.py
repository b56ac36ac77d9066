"""Stream of the events of an order and its saga, as Server-Sent Events (contract, section 4).

The id of an event contains the position in both histories: a client that reconnects with `Last-Event-ID` gets the events that it has not seen.
A browser's `EventSource` reconnects after a stream has ended, but gives up after any status other than 200. So temporary failures are waited out in the stream.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Any, NamedTuple, Self

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.eventsourcing.recorded_event import RecordedEvent, recorded, today
from app.streams.state.store import StateStore
from app.streams.tasks.ownership import FORWARDED
from app.web.gateway.consistency import least_version
from app.web.gateway.forwarding import Forwarder, NoAnswer
from app.web.gateway.local_state import LocalState
from app.web.http.problems import Problem, later
from schemas.upcasters import NewerSchema
from tables.history import histories

LOOK_S = 0.2
KEEP_ALIVE_S = 5.0
"""Time without events after which a comment is sent, so that the client sees that the worker is alive (seconds)."""

STREAM_S = 600.0
"""Length of a stream, after which the client has to reconnect (seconds)."""

WAIT_S = 10
"""Time that a stream waits for its order by default (seconds); MOST_WAIT_S is the maximum."""
MOST_WAIT_S = 30

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Response headers that keep proxies from buffering or compressing events."""

RETRY = b"retry: 1000\n\n"
"""Delay before a client reconnects (milliseconds)."""

NOT_FOUND = b'event: not-found\ndata: {"code":"not-found","detail":"there is no order of this id: close the stream, or it is asked for again"}\n\n'
NOT_SERVED = b": the order is not served at the moment, connect again\n\n"
KEEP_ALIVE = b": nothing new\n\n"

AT_ONCE = 100
"""Events of each history that one look reads, at most."""


class Seen(NamedTuple):
    """Last versions that were sent, of the order and of its saga."""

    order: int = 0
    saga: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Parse the client's header; without one, nothing has been seen."""
        return cls() if text is None else cls(*map(int, text.split(".")))

    def after(self, event: RecordedEvent) -> Self:
        """Return the versions after one more event."""
        return self._replace(order=event.version) if event.aggregate_type == "Order" else self._replace(saga=event.version)

    def __str__(self) -> str:
        return f"{self.order}.{self.saga}"


class Sought(NamedTuple):
    """Request of a client: the order, the versions it has seen, the least version that its token names, and the time to wait for that (seconds)."""

    order_id: str
    seen: Seen
    least: int
    wait_s: int


class OrderEventStream:
    """Query that streams histories from the worker that owns them."""

    def __init__(self, local: LocalState, forwarder: Forwarder) -> None:
        self._local = local
        self._forwarder = forwarder

    async def stream(self, request: Request, order_id: str, seen: Seen, wait_s: int) -> Response:
        """Stream all events after those seen, and then each new event as soon as it is visible."""
        sought = Sought(order_id, seen, least_version(request, "Order", order_id), wait_s)
        if FORWARDED in request.headers and not self._local.has_view(self._local.partition(order_id)):
            raise later("not-owner", "this worker does not own the order, and the request was forwarded already: ask again")
        return StreamingResponse(self._body(request, sought), media_type=MEDIA_TYPE, headers=HEADERS)

    async def _body(self, request: Request, sought: Sought) -> AsyncIterator[bytes]:
        """Yield the stream's body. A temporary failure does not end the stream before the client's waiting time is over."""
        yield RETRY
        until_s = silent_s = _now()
        until_s += sought.wait_s
        while (events := await self._found(request, sought)) is None:
            if _now() >= until_s:
                yield NOT_FOUND if self._is_missing(sought) else NOT_SERVED
                return
            if _now() - silent_s > KEEP_ALIVE_S:
                silent_s = _now()
                yield KEEP_ALIVE
            await asyncio.sleep(LOOK_S)
        async for each in events:
            yield each

    async def _found(self, request: Request, sought: Sought) -> AsyncIterator[bytes] | None:
        """Return the events, from this worker or from the order's owner. Return None while there is no order, or no worker can serve it."""
        partition = self._local.partition(sought.order_id)
        if not self._local.has_view(partition):
            return await self._of_owner(request, partition)
        try:
            version = self._version(sought.order_id)
        except Problem:
            return None
        return self._events(sought.order_id, sought.seen) if version and version >= sought.least else None

    async def _of_owner(self, request: Request, partition: int) -> AsyncIterator[bytes] | None:
        """Return the stream of the owner, which waits for the order itself, or None if the owner does not stream."""
        try:
            answer = await self._forwarder.stream(request, partition)
        except (Problem, NoAnswer):
            return None
        parts = _until_it_breaks(answer.body_iterator)
        if answer.status_code == HTTPStatus.OK:
            return parts
        async for _ in parts:  # that worker no longer owns the partition
            pass
        return None

    def _is_missing(self, sought: Sought) -> bool:
        """Return True if this worker knows that there is no such order."""
        try:
            return self._local.has_view(self._local.partition(sought.order_id)) and not self._version(sought.order_id)
        except Problem:
            return False

    def _version(self, order_id: str) -> int:
        version: int = self._local.view(order_id, lambda rows: histories.committed_version(rows, "Order", order_id))
        return version

    async def _events(self, order_id: str, seen: Seen) -> AsyncIterator[bytes]:
        """Yield events until this worker can no longer show them. The client then reconnects, and finds a worker that can."""
        until_s, silent_s = _now() + STREAM_S, _now()
        while _now() < until_s and (found := self._look(order_id, seen)) is not None:
            for event, value in found:
                seen = seen.after(event)
                yield f"id: {seen}\nevent: {event.event_type}\ndata: ".encode() + value + b"\n\n"
            if not found and _now() - silent_s > KEEP_ALIVE_S:
                yield KEEP_ALIVE
            silent_s = _now() if found or _now() - silent_s > KEEP_ALIVE_S else silent_s
            await asyncio.sleep(LOOK_S)

    def _look(self, order_id: str, seen: Seen) -> list[tuple[RecordedEvent, bytes]] | None:
        try:
            return self._local.view(order_id, lambda rows: _new(rows, order_id, seen))
        except (Problem, NewerSchema):
            return None


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until_it_breaks(parts: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """Yield the parts that another worker sends, and end if it fails. The client then reconnects, so this is not an error."""
    try:
        async for part in parts:
            yield part
    except NoAnswer:
        return


def _new(rows: StateStore, order_id: str, seen: Seen) -> list[tuple[RecordedEvent, bytes]]:
    """Return the next events of both histories, the oldest first."""
    found = [*_of(rows, "Order", order_id, seen.order), *_of(rows, "Saga", order_id, seen.saga)]
    return sorted(found, key=lambda each: each[0].timestamp)


def _of(rows: StateStore, kind: str, order_id: str, version: int) -> Iterator[tuple[RecordedEvent, bytes]]:
    for _, value in islice(histories.committed(rows, kind, order_id, version + 1), AT_ONCE):
        yield recorded(value), today(value)
