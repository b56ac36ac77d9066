"""`/parked`: list the records that are still parked, retry or discard one (contract, sections 2 and 4)."""

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.streams.parking import rows as parking
from app.streams.parking.record import Park, ParkedRecord
from app.streams.parking.release import Interrupted, NotHead, NotParked
from app.streams.parking.release import ReleaseRequest as Asked
from app.streams.runtime.task_manager import NotServed
from app.streams.state.store import StateStore
from app.web import openapi
from app.web.gateway.commands import ANSWER_S
from app.web.gateway.forwarding import Forwarder, NoAnswer
from app.web.gateway.local_state import LocalState
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http import request_body as body
from app.web.http.problems import Problem, later
from app.web.queries.lists import After, InPartition, Limit
from schemas.fields import Number
from schemas.operator_answers import ParkedPage, SettledAnswer
from schemas.requests import Discard
from schemas.timestamp import rfc3339

BODIES = (Discard,)

PAGE_BYTES = 8 << 20
"""Size of the values that one page reads (bytes); a page of large records is shorter than its limit."""

SHOWN = 1_000
"""Characters shown of a record's key and value."""


Count = Annotated[int, msgspec.Meta(ge=0)]


class ParkedCursor(NamedTuple):
    """Position in the list of parked records. A page begins with the record at this place, or with the next one."""

    partition: Count = 0
    topic: str = ""
    offset: Count = 0
    agent: str = ""
    """Agent that parked the record; several agents may have parked a record of the same offset."""
    generation: Count = 0
    """Number of earlier topics with the same name."""

    def __str__(self) -> str:
        return urlsafe_b64encode(msgspec.json.encode(self)).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> "ParkedCursor":
        """Decode a cursor. Raise a Problem if it is malformed."""
        try:
            return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=cls)
        except ValueError as error:
            raise Problem(422, "invalid", "after: is none that `next` gave") from error


Page = tuple[list[dict[str, Any]], str | None]
"""Records, and the cursor of the following page."""


def page(stores: Iterable[StateStore], partition: int, start: ParkedCursor, limit: int) -> Page:
    """Return the parked records of a partition from a place on, at most `limit`. Long keys and values are cut."""
    items: list[dict[str, Any]] = []
    size = 0
    for store, row in _merged(stores, start):
        if len(items) == limit or size > PAGE_BYTES:
            return items, str(ParkedCursor(partition, row.topic, row.offset, row.agent, row.generation))
        items.append(_item(row, head=parking.is_head(store, row)))
        size += len(row.value or b"")
    return items, None


def _merged(stores: Iterable[StateStore], start: ParkedCursor) -> Iterator[tuple[StateStore, ParkedRecord]]:
    """Merge the parked records of the write task and the view task of a partition, in one order."""
    return merge(*(_listed(store, start) for store in stores), key=lambda each: (each[1].topic, each[1].generation, each[1].offset, each[1].agent))


def _listed(store: StateStore, start: ParkedCursor) -> Iterator[tuple[StateStore, ParkedRecord]]:
    return ((store, row) for row in parking.listed(store, start.topic, start.offset, start.agent, start.generation))


def _item(row: ParkedRecord, *, head: bool) -> dict[str, Any]:
    where = {"topic": row.topic, "partition": row.partition, "offset": row.offset, "key": _text(row.key)}
    why = {"reason": row.reason, "error": row.error, "agent": row.agent, "head": head}
    return {**where, **why, "timestamp": rfc3339(row.timestamp_ms), "parkedAt": row.at, "value": _text(row.value)}


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw[: 4 * SHOWN].decode(errors="replace")[:SHOWN]


BUSY = problem.documented(_503="no-owner, not-owner, interrupted, view-recovering, view-stopped: ask again after Retry-After seconds")


BODY = problem.documented(_400="undecodable: the body is no JSON", _408="body-too-slow", _413="too-large", _415="unsupported-media-type")


class ParkedEndpoint:
    """Endpoint that lists the parked records of all workers, and has the task that parked a record retry or discard it."""

    def __init__(self, local: LocalState, forwarder: Forwarder, partitions: int) -> None:
        self._local = local
        self._forwarder = forwarder
        self._partitions = partitions

    async def page(self, request: Request, partition: int | None, start: ParkedCursor, limit: int) -> Response:
        """Return a page of parked records by partition, topic and offset."""
        if partition is not None and partition >= self._partitions:
            raise Problem(422, "invalid", f"partition: they are 0 to {self._partitions - 1}")
        found: list[dict[str, Any]] = []
        for number in range(start.partition, self._partitions) if partition is None else [partition]:
            if len(found) == limit:
                return _answer(found, str(ParkedCursor(number)))
            items, following = await self._of(request, number, start if number == start.partition else ParkedCursor(number), limit - len(found))
            found += items
            if following is not None:
                return _answer(found, following)
        return _answer(found, None)

    async def _of(self, request: Request, partition: int, start: ParkedCursor, limit: int) -> Page:
        if self._local.owns(partition):
            return self._local.rows(partition, lambda store: self._local.view_rows(partition, lambda view: page((store, view), partition, start, limit)))
        told = await self._forwarder.page(request, partition, f"partition={partition}&limit={limit}&after={start}")
        return told.items, told.next

    async def release(self, request: Request, partition: int, asked: Asked) -> Response:
        """Retry or discard a record, at the worker that owns the partition. Raise a Problem if it stays parked."""
        if not 0 <= partition < self._partitions:
            raise _unknown()
        if not self._local.owns(partition):
            return await self._ask(request, partition)
        park = await self._done(partition, asked)
        if park is not None:
            raise Problem(409, "parked", f"it still is parked: {park.reason}: {park}")
        outcome = "released" if asked.discard is None else "discarded"
        return JSONResponse({"topic": asked.topic, "partition": partition, "offset": asked.offset, "outcome": outcome})

    async def _done(self, partition: int, asked: Asked) -> Park | None:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._local.release(partition, asked)
        except NotParked as error:
            raise _unknown() from error
        except NotHead as error:
            raise Problem(409, "not-head", f"{error}; GET /parked says which") from error
        except (Interrupted, NotServed, TimeoutError) as error:
            raise later(
                "interrupted", "the partition is being taken over, or has much to do: look whether the record still is parked, and ask again"
            ) from error

    async def _ask(self, request: Request, partition: int) -> Response:
        try:
            return await self._forwarder.ask(request, partition)
        except NoAnswer as error:
            raise later("no-owner", "the worker that owns the partition did not answer: look whether it still is parked, and ask again") from error


def routes(records: ParkedEndpoint) -> APIRouter:
    """Return all routes for parked records."""
    router = APIRouter(responses={**problem.documented(_422="invalid"), **BUSY}, tags=["parked"], dependencies=[headers.FORWARDED])
    settled = {**openapi.answer(200, SettledAnswer, "it is parked no more"), **problem.documented(_404="not-parked", _409="not-head, parked")}

    @router.get("/parked", responses=openapi.answer(200, ParkedPage, "records that wait for an operator"))
    async def parked(request: Request, partition: InPartition = None, after: After = None, limit: Limit = 100) -> Response:
        """List parked records by partition, topic and offset. `next` is the `after` of the next page, or null. `head`: may be retried or discarded."""
        return await records.page(request, partition, ParkedCursor(partition or 0) if after is None else ParkedCursor.parse(after), limit)

    @router.post("/parked/{topic}/{partition}/{offset}/retry", responses=settled)
    async def retry_parked(request: Request, topic: str, partition: Number, offset: Number) -> Response:
        """Process a record again. The records blocked behind it follow once it is released. 409 `parked` if it failed again."""
        return await records.release(request, partition, Asked(topic, offset))

    @router.post("/parked/{topic}/{partition}/{offset}/discard", responses={**settled, **BODY}, openapi_extra=body.documented(Discard))
    async def discard_parked(request: Request, topic: str, partition: Number, offset: Number) -> Response:
        """Discard a record, for a reason. The records blocked behind it follow."""
        return await records.release(request, partition, Asked(topic, offset, (await body.read(request, Discard)).reason))

    return router


def _answer(items: list[dict[str, Any]], following: str | None) -> Response:
    return JSONResponse({"items": items, "next": following})


def _unknown() -> Problem:
    return Problem(404, "not-parked", "no record of this topic, partition and offset is parked: GET /parked lists them")
