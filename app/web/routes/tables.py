"""Rows of a read model as they are on disk, partition by partition. `foldstream verify` compares them with the log (contract, section 4)."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response

from app.streams.projections.generation_store import tables
from app.streams.state.positions import positions
from app.streams.state.store import StateStore
from app.streams.topology import ReadModel, Subscription
from app.web import openapi
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http.problems import Problem
from app.web.queries.lists import After, Limit
from app.web.routes.rebuilds import TableName, checked, known
from schemas.fields import Number
from schemas.operator_answers import TableRowsPage

PAGE_BYTES = 1 << 20
"""Size of a page (bytes); a page of large rows is shorter than its limit."""

ERRORS = problem.documented(
    _404="unknown-table", _422="invalid", _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds"
)


class Place(NamedTuple):
    """Position of a row; a page continues behind it."""

    table: str = ""
    key: str = ""

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> "Place":
        """Decode a cursor. Raise a Problem if it is malformed."""
        try:
            return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=cls)
        except ValueError as error:
            raise Problem(422, "invalid", "after: is none that `next` gave") from error


class TableRowsEndpoint:
    """Endpoint that reads the rows at the worker that has them."""

    def __init__(self, desk: Desk, forwarder: Forwarder, models: Mapping[str, ReadModel]) -> None:
        self._desk = desk
        self._forwarder = forwarder
        self._models = models

    async def page(self, request: Request, table: str, partition: int, after: Place, limit: int) -> Response:
        """Return the rows behind a place, and the position in each log that they reflect. A page is consistent in itself, but the next one may be newer."""
        model = self._models[known(table, self._models)]
        if not self._desk.has_view(partition):
            return await self._forwarder.read(request, partition)
        found = self._desk.view_rows(partition, lambda store: _page(model, store, after, limit))
        return Response(msgspec.json.encode(found), media_type="application/json")


def routes(rows: TableRowsEndpoint, partitions: int) -> APIRouter:
    """Return the route for the rows of a table."""
    router = APIRouter(responses={**openapi.answer(200, TableRowsPage, "rows"), **ERRORS}, tags=["tables"], dependencies=[headers.FORWARDED])

    @router.get("/tables/{table}/{partition}/rows")
    async def table_rows(request: Request, table: TableName, partition: Number, limit: Limit = 100, after: After = None) -> Response:
        """Return the visible rows as they are on disk, in the order of their keys."""
        return await rows.page(request, table, checked(partition, partitions), Place.parse(after) if after else Place(), limit)

    return router


def _page(model: ReadModel, store: StateStore, after: Place, limit: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    last, size = after, 0
    for place, row in _rows(model, store, after):
        if len(items) == limit or size >= PAGE_BYTES:
            return {"positions": _positions(model, store), "items": items, "next": str(last)}
        items.append({"table": place.table, "key": place.key, "row": msgspec.Raw(row)})
        last, size = place, size + len(row)
    return {"positions": _positions(model, store), "items": items, "next": None}


def _rows(model: ReadModel, store: StateStore, after: Place) -> Iterator[tuple[Place, bytes]]:
    for table in tables(model):
        start = after.key if table.name == after.table else ""
        for key, row in store.scan(table.prefix, table.prefix + start.encode()) if table.name >= after.table else ():
            place = Place(table.name, key.removeprefix(table.prefix).decode())
            if place != after:
                yield place, row


def _positions(model: ReadModel, store: StateStore) -> dict[str, int]:
    found = {topic: positions.committed(store, Subscription(model.agent, topic).row) for topic in model.events}
    return {topic: position.offset_next if position else 0 for topic, position in found.items()}
