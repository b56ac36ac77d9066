"""`GET /orders/{id}/events`, likewise for products and customers: the history of an aggregate, from its partition's read model (contract, section 4).

Histories are unbounded, and the contract has no pages for them. So a history is sent in pieces, each read after the previous one was handed to the client.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from app.eventsourcing.recorded_event import today
from app.web import openapi
from app.web.gateway.consistency import fresh
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http.problems import Problem, break_off, later
from schemas.fields import Id, Int64
from schemas.upcasters import NewerSchema
from schemas.view_answers import EventsAnswer
from tables.history import histories

PIECE = 200
"""Events that are read at once, at most."""
PIECE_BYTES = 256 << 10
"""Size of the events that are read at once (bytes); a single event may be larger."""

FromVersion = Annotated[int, Query(alias="fromVersion", ge=1), Int64]

ERRORS = problem.documented(
    _400="token-not-applicable",
    _404="not-found",
    _412="not-yet",
    _422="invalid",
    _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds",
)


class HistoryQuery:
    """Query for histories, answered by the worker that owns them."""

    def __init__(self, desk: Desk, forwarder: Forwarder) -> None:
        self._desk = desk
        self._forwarder = forwarder

    async def history(self, request: Request, kind: str, identity: str, from_version: int) -> Response:
        """Return the events of an aggregate from a version on, up to the last one, in the current schema."""
        partition = self._desk.partition(identity)
        if not self._desk.has_view(partition):
            return await self._forwarder.read(request, partition, endless=True)
        last = await fresh(request, kind, identity, lambda: self._last(kind, identity), lambda version: version)
        pieces = self._pieces(kind, identity, from_version, last)
        try:
            first = await anext(pieces)
        except NewerSchema as error:
            raise later("view-stopped", str(error)) from error
        return StreamingResponse(_chained(request, first, pieces), media_type="application/json")

    def _last(self, kind: str, identity: str) -> int | None:
        return self._desk.view(identity, lambda rows: histories.committed_version(rows, kind, identity)) or None

    async def _pieces(self, kind: str, identity: str, from_version: int, last: int) -> AsyncIterator[bytes]:
        """Yield the response body in pieces. A Problem after the first piece breaks it off, and the client sees that the end is missing."""
        before = b'{"items":['
        while from_version <= last:
            events = self._read(kind, identity, from_version)
            yield before + b",".join(today(event) for _, event in events)
            before, from_version = b",", events[-1][0] + 1
            await asyncio.sleep(0)
        yield b"]}" if before == b"," else before + b"]}"

    def _read(self, kind: str, identity: str, from_version: int) -> list[tuple[int, bytes]]:
        return self._desk.view(identity, lambda rows: _piece(histories.committed(rows, kind, identity, from_version)))


def routes(reads: HistoryQuery) -> APIRouter:
    """Return the routes for the histories of orders, products and customers."""
    router = APIRouter(responses={**openapi.answer(200, EventsAnswer, "the history"), **ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}/events")
    async def order_events(request: Request, order_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of an order."""
        return await reads.history(request, "Order", order_id, from_version)

    @router.get("/products/{product_id}/events")
    async def product_events(request: Request, product_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of a product."""
        return await reads.history(request, "Product", product_id, from_version)

    @router.get("/customers/{customer_id}/events")
    async def customer_events(request: Request, customer_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of a customer."""
        return await reads.history(request, "Customer", customer_id, from_version)

    return router


def _piece(events: Iterable[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Take as many events as are read at once."""
    piece: list[tuple[int, bytes]] = []
    size = 0
    for version, event in events:
        piece.append((version, event))
        size += len(event)
        if len(piece) >= PIECE or size >= PIECE_BYTES:
            break
    return piece


async def _chained(request: Request, first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for piece in rest:
            yield piece
    except (Problem, NewerSchema) as error:
        break_off(request, str(error))
