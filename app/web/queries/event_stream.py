"""`GET /orders/{id}/stream`: what happens to an order and its saga, as Server-Sent Events (contract, section 4).

The id of an event says how far the client is in both histories: a client that connects again with `Last-Event-ID` gets what it has not seen.
A browser's `EventSource` connects again after a stream that ended, and gives up for good after any status but 200: what passes is waited for inside the stream.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from http import HTTPStatus
from itertools import islice
from typing import Annotated, Any, NamedTuple, Self

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.eventsourcing.recorded_event import RecordedEvent, recorded, today
from app.streams.state.store import StateStore
from app.streams.tasks.ownership import FORWARDED
from app.web.gateway.consistency import least_version
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder, NoAnswer
from app.web.http import problems as problem
from app.web.http.problems import Problem, later
from schemas.fields import Id, NotNull
from schemas.upcasters import NewerSchema
from tables.history import histories

LOOK_S = 0.2
KEEP_ALIVE_S = 5.0
"""A comment is sent when nothing happens for so long: the client sees that the worker lives (seconds)."""

STREAM_S = 600.0
"""Then the client is to connect again (seconds)."""

WAIT_S = 10
"""How long a stream waits for its order by default, and at most MOST_WAIT_S (seconds)."""
MOST_WAIT_S = 30

MEDIA_TYPE = "text/event-stream"
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""No proxy keeps events back, or packs them."""

RETRY = b"retry: 1000\n\n"
"""When a client connects again (milliseconds)."""

NOT_FOUND = b'event: not-found\ndata: {"code":"not-found","detail":"there is no order of this id: close the stream, or it is asked for again"}\n\n'
NOT_SERVED = b": the order is not served at the moment, connect again\n\n"
KEEP_ALIVE = b": nothing new\n\n"

AT_ONCE = 100
"""Events of one look, at most, of each history."""

Wait = Annotated[
    int, Query(ge=0, le=MOST_WAIT_S, description="how long it waits for an order that is not there yet (seconds); then `event: not-found` ends it")
]
LastEventId = Annotated[str | None, NotNull, Header(alias="Last-Event-ID", pattern=r"^\d{1,18}\.\d{1,18}$", description="the `id` of the last event that came")]


class Seen(NamedTuple):
    """The last version that was sent, of the order and of its saga."""

    order: int = 0
    saga: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """That of the client's header; nothing, where it has none."""
        return cls() if text is None else cls(*map(int, text.split(".")))

    def after(self, event: RecordedEvent) -> Self:
        """The same with one event more."""
        return self._replace(order=event.version) if event.aggregate_type == "Order" else self._replace(saga=event.version)

    def __str__(self) -> str:
        return f"{self.order}.{self.saga}"


class Sought(NamedTuple):
    """What a client follows: an order from what it has seen on, at the version that its token names or later, and how long it waits for that."""

    order_id: str
    seen: Seen
    least: int
    wait_s: int


class OrderEventStream:
    """Looks at histories where they are owned."""

    def __init__(self, desk: Desk, forwarder: Forwarder) -> None:
        self._desk = desk
        self._forwarder = forwarder

    async def stream(self, request: Request, order_id: str, seen: Seen, wait_s: int) -> Response:
        """All events after those that were seen, and from then on each as it is visible."""
        sought = Sought(order_id, seen, least_version(request, "Order", order_id), wait_s)
        if FORWARDED in request.headers and not self._desk.has_view(self._desk.partition(order_id)):
            raise later("not-owner", "this worker does not own the order, and the request was forwarded already: ask again")
        return StreamingResponse(self._body(request, sought), media_type=MEDIA_TYPE, headers=HEADERS)

    async def _body(self, request: Request, sought: Sought) -> AsyncIterator[bytes]:
        """Whatever keeps events away for a while is no reason to end before the client's time is over."""
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
        """The events, of this worker or of the order's owner; None while there is no order, or nobody that could tell."""
        partition = self._desk.partition(sought.order_id)
        if not self._desk.has_view(partition):
            return await self._of_owner(request, partition)
        try:
            version = self._version(sought.order_id)
        except Problem:
            return None
        return self._events(sought.order_id, sought.seen) if version and version >= sought.least else None

    async def _of_owner(self, request: Request, partition: int) -> AsyncIterator[bytes] | None:
        """The stream of another worker, which waits for the order itself; None when it does not answer so."""
        try:
            answer = await self._forwarder.stream(request, partition)
        except (Problem, NoAnswer):
            return None
        parts = _until_it_breaks(answer.body_iterator)
        if answer.status_code == HTTPStatus.OK:
            return parts
        async for _ in parts:  # it is no owner any more
            pass
        return None

    def _is_missing(self, sought: Sought) -> bool:
        """True if this worker can tell that there is no such order."""
        try:
            return self._desk.has_view(self._desk.partition(sought.order_id)) and not self._version(sought.order_id)
        except Problem:
            return False

    def _version(self, order_id: str) -> int:
        version: int = self._desk.view(order_id, lambda rows: histories.committed_version(rows, "Order", order_id))
        return version

    async def _events(self, order_id: str, seen: Seen) -> AsyncIterator[bytes]:
        """It ends when this worker cannot show them any more: the client connects again, and finds a worker that can."""
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
            return self._desk.view(order_id, lambda rows: _new(rows, order_id, seen))
        except (Problem, NewerSchema):
            return None


def routes(streams: OrderEventStream) -> APIRouter:
    """The route that streams."""
    router = APIRouter(responses=ERRORS, tags=["reads"])

    @router.get("/orders/{order_id}/stream", response_class=Response, responses={200: {"description": "events as they happen", "content": {MEDIA_TYPE: {}}}})
    async def order_stream(request: Request, order_id: Id, wait: Wait = WAIT_S, last_event_id: LastEventId = None) -> Response:
        """What happened and happens to an order and its saga; the answer is 200 whether there is such an order yet or not."""
        return await streams.stream(request, order_id, Seen.parse(last_event_id), wait)

    return router


ERRORS = problem.documented(_400="token-not-applicable", _422="invalid", _503="not-owner: of a request that was forwarded; ask again after Retry-After seconds")


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _until_it_breaks(parts: AsyncIterable[Any]) -> AsyncIterator[bytes]:
    """What another worker sends; that it died is no failure here, and no error for the client, which connects again."""
    try:
        async for part in parts:
            yield part
    except NoAnswer:
        return


def _new(rows: StateStore, order_id: str, seen: Seen) -> list[tuple[RecordedEvent, bytes]]:
    """The next events of both histories, the older first."""
    found = [*_of(rows, "Order", order_id, seen.order), *_of(rows, "Saga", order_id, seen.saga)]
    return sorted(found, key=lambda each: each[0].timestamp)


def _of(rows: StateStore, kind: str, order_id: str, version: int) -> Iterator[tuple[RecordedEvent, bytes]]:
    for _, value in islice(histories.committed(rows, kind, order_id, version + 1), AT_ONCE):
        yield recorded(value), today(value)
