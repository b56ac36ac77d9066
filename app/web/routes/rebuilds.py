"""Rebuilds of read models over HTTP, partition by partition, at the worker that owns each (docs/rebuild.md)."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse

from app.streams.projections.generations import BuildInProgress, NothingToRollBackTo, Switched
from app.streams.rebuild.coordinator import BuildAction, BuildCoordinator, BuildStatus
from app.web import openapi
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http import request_body as body
from app.web.http.problems import Problem
from schemas.fields import Number
from schemas.operator_answers import TableAnswer
from schemas.requests import Rebuild

ERRORS = problem.documented(
    _404="unknown-table", _422="invalid", _503="no-owner, not-owner, view-recovering, view-stopped: ask again after Retry-After seconds"
)
BODY = problem.documented(_400="undecodable: the body is no JSON", _408="body-too-slow", _413="too-large", _415="unsupported-media-type")

TableName = Annotated[str, Path(max_length=100, examples=["history"])]


class RebuildEndpoint:
    """Endpoint that asks the view task which has the rows."""

    def __init__(self, desk: Desk, forwarder: Forwarder, tables: Sequence[str]) -> None:
        self._desk = desk
        self._forwarder = forwarder
        self._tables = tables

    async def answer(self, request: Request, table: str, partition: int, ask: Callable[[BuildCoordinator], Awaitable[BuildStatus]]) -> Response:
        """Return the state of the table at the partition's owner, after `ask`."""
        known(table, self._tables)
        if not self._desk.has_view(partition):
            return await self._forwarder.read(request, partition)
        try:
            return JSONResponse(_shown(table, partition, await ask(self._desk.builds(partition))))
        except NothingToRollBackTo as error:
            raise Problem(409, "nothing-kept", str(error)) from error
        except BuildInProgress as error:
            raise Problem(409, "other-build", str(error)) from error


def routes(rebuilds: RebuildEndpoint, partitions: int) -> APIRouter:
    """Return the routes that show the state of a table in a partition, and rebuild, roll back or pause it."""
    answers = {**openapi.answer(200, TableAnswer, "the table in this partition"), **ERRORS}
    router = APIRouter(prefix="/tables/{table}/{partition}", responses=answers, tags=["tables"], dependencies=[headers.FORWARDED])

    @router.get("")
    async def table(request: Request, table: TableName, partition: Number) -> Response:
        """Show which rows are visible, and how far a build is."""
        return await rebuilds.answer(request, table, checked(partition, partitions), lambda builds: _at_once(builds.built(table)))

    async def ask(request: Request, table: str, partition: int, wish: BuildAction) -> Response:
        rebuild_id = (await body.read(request, Rebuild)).rebuild_id
        return await rebuilds.answer(request, table, checked(partition, partitions), lambda builds: builds.ask(table, wish, rebuild_id))

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


def known(table: str, tables: Collection[str]) -> str:
    """Return the table's name. Raise a Problem if there is no such table."""
    if table not in tables:
        raise Problem(404, "unknown-table", f"the tables are {', '.join(sorted(tables))}")
    return table


def checked(partition: int, partitions: int) -> int:
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
