"""`GET /orders/{id}/stream`: what happens to an order and its saga, as Server-Sent Events (contract, section 4).

The id of an event says how far the client is in both histories: who connects again with `Last-Event-ID` gets what it has not seen.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import islice
from typing import Annotated, NamedTuple, Self

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import StreamingResponse

from app.domain.recorded import Recorded, recorded, today
from app.kernel.store import Store
from app.web import problem
from app.web.desk import Desk
from app.web.forward import Forwarder
from app.web.fresh import fresh
from app.web.problem import Problem
from schemas.fields import Id, NotNull
from schemas.upcasts import NewerSchema
from tables.history import histories

LOOK_S = 0.2
KEEP_ALIVE_S = 5.0
"""A comment is sent when nothing happens for so long: who reads sees that the worker lives (seconds)."""

STREAM_S = 600.0
"""Then the client is to connect again (seconds)."""

AT_ONCE = 100
"""Events of one look, at most, of each history."""

LastEventId = Annotated[str | None, NotNull, Header(alias="Last-Event-ID", pattern=r"^\d{1,18}\.\d{1,18}$", description="the `id` of the last event that came")]


class Seen(NamedTuple):
    """The last version that was sent, of the order and of its saga."""

    order: int = 0
    saga: int = 0

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """That of the client's header; nothing, where it has none."""
        return cls() if text is None else cls(*map(int, text.split(".")))

    def after(self, event: Recorded) -> Self:
        """The same with one event more."""
        return self._replace(order=event.version) if event.aggregate_type == "Order" else self._replace(saga=event.version)

    def __str__(self) -> str:
        return f"{self.order}.{self.saga}"


class Streams:
    """Looks at histories where they are owned."""

    def __init__(self, desk: Desk, forwarder: Forwarder) -> None:
        self._desk = desk
        self._forwarder = forwarder

    async def stream(self, request: Request, order_id: str, seen: Seen) -> Response:
        """All events after those that were seen, and from then on each as it is visible."""
        partition = self._desk.partition(order_id)
        if not self._desk.has_view(partition):
            return await self._forwarder.read(request, partition, endless=True)
        await fresh(request, "Order", order_id, lambda: self._version(order_id), lambda version: version)
        return StreamingResponse(self._events(order_id, seen), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    def _version(self, order_id: str) -> int | None:
        return self._desk.view(order_id, lambda rows: histories.committed_version(rows, "Order", order_id)) or None

    async def _events(self, order_id: str, seen: Seen) -> AsyncIterator[bytes]:
        """It ends when this worker cannot show them any more: the client connects again, and finds who can."""
        now = asyncio.get_running_loop().time
        until_s, silent_s = now() + STREAM_S, now()
        while now() < until_s and (found := self._look(order_id, seen)) is not None:
            for event, value in found:
                seen = seen.after(event)
                yield f"id: {seen}\nevent: {event.event_type}\ndata: ".encode() + value + b"\n\n"
            if not found and now() - silent_s > KEEP_ALIVE_S:
                yield b": nothing new\n\n"
            silent_s = now() if found or now() - silent_s > KEEP_ALIVE_S else silent_s
            await asyncio.sleep(LOOK_S)

    def _look(self, order_id: str, seen: Seen) -> list[tuple[Recorded, bytes]] | None:
        try:
            return self._desk.view(order_id, lambda rows: _new(rows, order_id, seen))
        except (Problem, NewerSchema):
            return None


def routes(streams: Streams) -> APIRouter:
    """The route that streams."""
    router = APIRouter(responses=ERRORS, tags=["reads"])

    @router.get(
        "/orders/{order_id}/stream", response_class=Response, responses={200: {"description": "events as they happen", "content": {"text/event-stream": {}}}}
    )
    async def order_stream(request: Request, order_id: Id, last_event_id: LastEventId = None) -> Response:
        """What happened and happens to an order and its saga."""
        return await streams.stream(request, order_id, Seen.parse(last_event_id))

    return router


ERRORS = problem.documented(
    _404="not-found", _422="invalid", _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds"
)


def _new(rows: Store, order_id: str, seen: Seen) -> list[tuple[Recorded, bytes]]:
    """The next events of both histories, the older first."""
    found = [*_of(rows, "Order", order_id, seen.order), *_of(rows, "Saga", order_id, seen.saga)]
    return sorted(found, key=lambda each: each[0].timestamp)


def _of(rows: Store, kind: str, order_id: str, version: int) -> Iterator[tuple[Recorded, bytes]]:
    for _, value in islice(histories.committed(rows, kind, order_id, version + 1), AT_ONCE):
        yield recorded(value), today(value)
