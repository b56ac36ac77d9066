"""History of an aggregate, from its partition's read model (contract, section 4).

Histories are unbounded, and the contract has no pages for them. So a history is sent in pieces, each read after the previous one was handed to the client.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from app.eventsourcing.recorded_event import today
from app.web.gateway.consistency import fresh
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
from app.web.http.problems import Problem, break_off, later
from schemas.fields import Int64
from schemas.upcasters import NewerSchema
from tables.history import histories

PIECE = 200
"""Events that are read at once, at most."""
PIECE_BYTES = 256 << 10
"""Size of the events that are read at once (bytes); a single event may be larger."""

FromVersion = Annotated[int, Query(alias="fromVersion", ge=1), Int64]


class HistoryQuery:
    """Query for histories, answered by the worker that owns them."""

    def __init__(self, local: LocalState, forwarder: Forwarder) -> None:
        self._local = local
        self._forwarder = forwarder

    async def history(self, request: Request, kind: str, identity: str, from_version: int) -> Response:
        """Return the events of an aggregate from a version on, up to the last one, in the current schema."""
        partition = self._local.partition(identity)
        if not self._local.has_view(partition):
            return await self._forwarder.read(request, partition, endless=True)
        last = await fresh(request, kind, identity, lambda: self._last(kind, identity), lambda version: version)
        pieces = self._pieces(kind, identity, from_version, last)
        try:
            first = await anext(pieces)
        except NewerSchema as error:
            raise later("view-stopped", str(error)) from error
        return StreamingResponse(_chained(request, first, pieces), media_type="application/json")

    def _last(self, kind: str, identity: str) -> int | None:
        return self._local.view(identity, lambda rows: histories.committed_version(rows, kind, identity)) or None

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
        return self._local.view(identity, lambda rows: _piece(histories.committed(rows, kind, identity, from_version)))


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
