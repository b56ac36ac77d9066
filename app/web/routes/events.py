"""`GET /events`: the events of one type from all partitions, page by page (contract, section 4)."""

import math
from datetime import datetime
from typing import Annotated

import msgspec
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter, ValidationError

from app.domain.registry import DECIDERS
from app.web import openapi
from app.web.gateway.consistency import refuse_token
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http.problems import Problem, later
from app.web.queries.event_pages import EventPages, Page
from app.web.queries.log_position import LogPosition
from schemas.fields import Timestamp
from schemas.view_answers import EventsPage

_timestamp = TypeAdapter(Timestamp)

Type = Annotated[str, Query(alias="type", max_length=64, json_schema_extra={"enum": [name for decider in DECIDERS for name in decider.events]})]
Position = Annotated[str | None, Query(max_length=8_000)]
From = Annotated[str | None, Query(alias="from", max_length=64)]
Limit = Annotated[int, Query(ge=1, le=1_000)]

ERRORS = problem.documented(_400="token-not-applicable", _422="invalid", _503="no-broker, newer-schema, unreadable: ask again after Retry-After seconds")


def routes(pages: EventPages, partitions: int) -> APIRouter:
    """Return the route for pages of events."""
    router = APIRouter(responses={**openapi.answer(200, EventsPage, "a page"), **ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/events")
    async def events(request: Request, event_type: Type, position: Position = None, since: From = None, limit: Limit = 100) -> Response:
        """Return events of one type, in log order within each partition. `next` is the `position` of the following page, which may still be empty."""
        refuse_token(request)
        if event_type not in pages.topics:
            raise Problem(422, "invalid", f"type is one of {', '.join(sorted(pages.topics))}")
        if position is not None and since is not None:
            raise Problem(422, "invalid", "either position or from: a position already says from where on")
        try:
            start = await _start(pages, event_type, position, since, partitions)
            return _answer(await pages.page(start, limit))
        except (KafkaError, TimeoutError) as error:
            raise later("no-broker", "Kafka does not answer at the moment: ask again") from error

    return router


async def _start(pages: EventPages, event_type: str, position: str | None, since: str | None, partitions: int) -> LogPosition:
    if position is not None:
        return LogPosition.parse(position, event_type, partitions)
    return await pages.begin(event_type) if since is None else await pages.since(event_type, _milliseconds(since))


def _milliseconds(since: str) -> int:
    """Return milliseconds since 1970, rounded up, so that no earlier event is included. Raise a Problem if the text is not a time."""
    try:
        moment = datetime.fromisoformat(_timestamp.validate_python(since).upper())
    except (ValidationError, ValueError) as error:
        raise Problem(422, "invalid", "from is a time as in RFC 3339, like 2026-01-31T12:00:00Z (a + is written %2B in a URL)") from error
    return max(0, math.ceil(moment.timestamp() * 1000))


def _answer(page: Page) -> Response:
    following = msgspec.json.encode(str(page.next))
    return Response(b'{"items":[%b],"next":%b}' % (b",".join(page.events), following), media_type="application/json")
