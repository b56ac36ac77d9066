"""`/tables`: rows of read models as they are on disk, and their rebuilds, each partition at the worker that owns it.

`foldstream verify` compares the rows with the log.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from app.streams.projections.generation_store import tables
from app.streams.projections.generations import BuildInProgress, NothingToRollBackTo, Switched
from app.streams.rebuild.coordinator import BuildAction, BuildCoordinator, BuildStatus
from app.streams.state.positions import positions
from app.streams.state.store import StateStore
from app.streams.topology import ReadModel, Subscription
from app.web import openapi
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http import request_body as body
from app.web.http.problems import Problem
from app.web.queries.lists import After, Limit
from schemas.fields import Number
from schemas.operator_answers import TableAnswer, TableRowsPage
from schemas.requests import Rebuild

BODIES = (Rebuild,)

PAGE_BYTES = 1 << 20
"""Size of a page (bytes); a page of large rows is shorter than its limit."""

BUILD_ERRORS = problem.documented(
    _404="unknown-table", _422="invalid", _503="no-owner, not-owner, view-recovering, view-stopped: ask again after Retry-After seconds"
)
BODY = problem.documented(_400="undecodable: the body is no JSON", _408="body-too-slow", _413="too-large", _415="unsupported-media-type")

ROWS_ERRORS = problem.documented(
    _404="unknown-table", _422="invalid", _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds"
)

TableName = Annotated[str, Path(max_length=100, examples=["history"])]


class RebuildEndpoint:
    """Endpoint that asks the view task which has the rows."""

    def __init__(self, local: LocalState, forwarder: Forwarder, tables: Sequence[str]) -> None:
        self._local = local
        self._forwarder = forwarder
        self._tables = tables

    async def answer(self, request: Request, table: str, partition: int, ask: Callable[[BuildCoordinator], Awaitable[BuildStatus]]) -> Response:
        """Return the state of the table at the partition's owner, after `ask`."""
        _known(table, self._tables)
        if not self._local.has_view(partition):
            return await self._forwarder.read(request, partition)
        try:
            return JSONResponse(_shown(table, partition, await ask(self._local.builds(partition))))
        except NothingToRollBackTo as error:
            raise Problem(409, "nothing-kept", str(error)) from error
        except BuildInProgress as error:
            raise Problem(409, "other-build", str(error)) from error


class RowCursor(NamedTuple):
    """Position of a row; a page continues behind it."""

    table: str = ""
    key: str = ""

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> "RowCursor":
        """Decode a cursor. Raise a Problem if it is malformed."""
        try:
            return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=cls)
        except ValueError as error:
            raise Problem(422, "invalid", "after: is none that `next` gave") from error


class TableRowsEndpoint:
    """Endpoint that reads the rows at the worker that has them."""

    def __init__(self, local: LocalState, forwarder: Forwarder, models: Mapping[str, ReadModel]) -> None:
        self._local = local
        self._forwarder = forwarder
        self._models = models

    async def page(self, request: Request, table: str, partition: int, after: RowCursor, limit: int) -> Response:
        """Return the rows behind a place, and the position in each log that they reflect. A page is consistent in itself, but the next one may be newer."""
        model = self._models[_known(table, self._models)]
        if not self._local.has_view(partition):
            return await self._forwarder.read(request, partition)
        found = self._local.view_rows(partition, lambda store: _page(model, store, after, limit))
        return Response(msgspec.json.encode(found), media_type="application/json")


def rebuild_routes(rebuilds: RebuildEndpoint, partitions: int) -> APIRouter:
    """Return the routes that show the state of a table in a partition, and rebuild, roll back or pause it."""
    answers = {**openapi.answer(200, TableAnswer, "the table in this partition"), **BUILD_ERRORS}
    router = APIRouter(prefix="/tables/{table}/{partition}", responses=answers, tags=["tables"], dependencies=[headers.FORWARDED])

    @router.get("")
    async def table(request: Request, table: TableName, partition: Number) -> Response:
        """Show which rows are visible, and how far a build is."""
        return await rebuilds.answer(request, table, _checked(partition, partitions), lambda builds: _at_once(builds.built(table)))

    async def ask(request: Request, table: str, partition: int, wish: BuildAction) -> Response:
        rebuild_id = (await body.read(request, Rebuild)).rebuild_id
        return await rebuilds.answer(request, table, _checked(partition, partitions), lambda builds: builds.ask(table, wish, rebuild_id))

    @router.post("/rebuild", responses={**BODY, **problem.documented(_409="other-build")}, openapi_extra=body.documented(Rebuild))
    async def rebuild_table(request: Request, table: TableName, partition: Number) -> Response:
        """Rebuild the rows from the log, beside the visible ones, then show them. A build that was begun or paused is continued."""
        return await ask(request, table, partition, "rebuild")

    @router.post("/rollback", responses={**BODY, **problem.documented(_409="nothing-kept, other-build")}, openapi_extra=body.documented(Rebuild))
    async def rollback_table(request: Request, table: TableName, partition: Number) -> Response:
        """Bring the rows from before the last rebuild up to date, then show them."""
        return await ask(request, table, partition, "rollback")

    @router.post("/pause", responses=BODY, openapi_extra=body.documented(Rebuild))
    async def pause_table(request: Request, table: TableName, partition: Number) -> Response:
        """Pause the build until a rebuild is requested again."""
        return await ask(request, table, partition, "pause")

    return router


def row_routes(rows: TableRowsEndpoint, partitions: int) -> APIRouter:
    """Return the route for the rows of a table."""
    router = APIRouter(responses={**openapi.answer(200, TableRowsPage, "rows"), **ROWS_ERRORS}, tags=["tables"], dependencies=[headers.FORWARDED])

    @router.get("/tables/{table}/{partition}/rows")
    async def table_rows(request: Request, table: TableName, partition: Number, limit: Limit = 100, after: After = None) -> Response:
        """Return the visible rows as they are on disk, in the order of their keys."""
        return await rows.page(request, table, _checked(partition, partitions), RowCursor.parse(after) if after else RowCursor(), limit)

    return router


def _known(table: str, tables: Collection[str]) -> str:
    """Return the table's name. Raise a Problem if there is no such table."""
    if table not in tables:
        raise Problem(404, "unknown-table", f"the tables are {', '.join(sorted(tables))}")
    return table


def _checked(partition: int, partitions: int) -> int:
    """Return the partition's number. Raise a Problem if there is no such partition."""
    if partition >= partitions:
        raise Problem(422, "invalid", f"partition: they are 0 to {partitions - 1}")
    return partition


async def _at_once(built: BuildStatus) -> BuildStatus:
    return built


def _shown(table: str, partition: int, built: BuildStatus) -> dict[str, Any]:
    state, build = built.generations, built.generations.build
    return {
        "table": table,
        "partition": partition,
        "shown": built.shown,
        "generation": state.live.number if state.live else None,
        "kept": state.kept.number if state.kept else None,
        "status": "idle" if build is None else "faulty" if build.fault else "paused" if build.paused else "building",
        "rebuildId": (build.rebuild or None) if build else None,
        "done": built.done,
        "total": built.total,
        "fault": (build.fault or None) if build else None,
        "last": _last(state.last) if state.last else None,
    }


def _last(last: Switched) -> dict[str, Any]:
    same = None if last.digests is None else last.digests[0] == last.digests[1]
    return {"rebuildId": last.rebuild or None, "generation": last.generation, "same": same, "parked": last.parked}


def _page(model: ReadModel, store: StateStore, after: RowCursor, limit: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    last, size = after, 0
    for place, row in _rows(model, store, after):
        if len(items) == limit or size >= PAGE_BYTES:
            return {"positions": _positions(model, store), "items": items, "next": str(last)}
        items.append({"table": place.table, "key": place.key, "row": msgspec.Raw(row)})
        last, size = place, size + len(row)
    return {"positions": _positions(model, store), "items": items, "next": None}


def _rows(model: ReadModel, store: StateStore, after: RowCursor) -> Iterator[tuple[RowCursor, bytes]]:
    for table in tables(model):
        start = after.key if table.name == after.table else ""
        for key, row in store.scan(table.prefix, table.prefix + start.encode()) if table.name >= after.table else ():
            place = RowCursor(table.name, key.removeprefix(table.prefix).decode())
            if place != after:
                yield place, row


def _positions(model: ReadModel, store: StateStore) -> dict[str, int]:
    found = {topic: positions.committed(store, Subscription(model.agent, topic).row) for topic in model.events}
    return {topic: position.offset_next if position else 0 for topic, position in found.items()}
