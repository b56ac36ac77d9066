"""Lists over all partitions, the newest first: each partition's view gives its part of a page, and any worker puts them together.

The place of what is listed never changes, so a page that begins behind the last one repeats nothing, and leaves out nothing that was there.
"""

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from heapq import merge
from typing import Annotated, Any, NamedTuple, Protocol
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse

from app.streams.state.store import StateStore
from app.web.gateway.consistency import has_token, seen
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.token import ConsistencyToken, parse
from app.web.http import problems as problem
from app.web.http.problems import Problem
from schemas.fields import NotNull, Number

LOOKED_AT = 2_000
"""Rows of a partition that one page looks at: one that leaves some out may be shorter than its limit."""

_PLACE = re.compile(r"[0-9TZtz:.+-]{1,64}/[A-Za-z0-9._~:@-]{1,128}")

Item = dict[str, Any]

After = Annotated[str | None, NotNull, Query(max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
InPartition = Annotated[Number | None, NotNull, Query(description="only what is in this partition")]

ERRORS = problem.documented(
    _400="token-not-applicable",
    _412="not-yet",
    _422="invalid",
    _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds",
)


class PageRequest(NamedTuple):
    """Which page; `after` is the place of the last item of the one before."""

    limit: int
    after: str
    partition: int | None

    @classmethod
    def of(cls, limit: int, after: str | None, partition: int | None) -> "PageRequest":
        """As a request says it; a Problem when the cursor is none of ours."""
        return cls(limit, place_of(after) if after else "", partition)


class ListSource(Protocol):
    """What is listed, and which of it."""

    @property
    def kind(self) -> str:
        """The aggregate type whose writes a token may name."""

    def query(self) -> Mapping[str, str | None]:
        """Which of it, as a request says that."""

    def version(self, store: StateStore, identity: str) -> int:
        """That at which an aggregate is listed; 0 when it is not yet."""

    def rows(self, store: StateStore, after: str) -> Iterator[tuple[str, Item | None]]:
        """Places from behind one on, in order, each with what is there; None where that is not asked for."""

    def place(self, item: Item) -> str:
        """Where an item is."""


class PartialPage(NamedTuple):
    """What is in some partitions, and the place behind which there may be more."""

    items: list[Item]
    following: str | None


class PartitionedList:
    """Puts pages together."""

    def __init__(self, desk: Desk, forwarder: Forwarder, partitions: int) -> None:
        self._desk = desk
        self._forwarder = forwarder
        self._partitions = partitions

    async def page(self, request: Request, source: ListSource, asked: PageRequest) -> Response:
        """A page of all partitions, or of one."""
        if asked.partition is not None and asked.partition >= self._partitions:
            raise Problem(422, "invalid", f"partition: they are 0 to {self._partitions - 1}")
        token = _token(request, source.kind)
        wanted = range(self._partitions) if asked.partition is None else [asked.partition]
        found = joined(await asyncio.gather(*(self._part(request, source, asked, number, token) for number in wanted)), asked.limit, source.place)
        return JSONResponse({"items": found.items, "next": found.following and cursor(found.following)})

    async def _part(self, request: Request, source: ListSource, asked: PageRequest, partition: int, token: ConsistencyToken | None) -> PartialPage:
        if not self._desk.has_view(partition):
            return await self._elsewhere(request, source, asked, partition)
        if token is not None and self._desk.partition(token.aggregate_id) == partition:
            await seen(request, lambda: self._desk.view_rows(partition, lambda store: source.version(store, token.aggregate_id)))
        return self._desk.view_rows(partition, lambda store: _part(source.rows(store, asked.after), asked))

    async def _elsewhere(self, request: Request, source: ListSource, asked: PageRequest, partition: int) -> PartialPage:
        told = await self._forwarder.page(request, partition, _query(source, asked, partition))
        return PartialPage(told.items, told.next and place_of(told.next))


def joined(parts: Iterable[PartialPage], limit: int, place: Callable[[Item], str]) -> PartialPage:
    """One page: nothing is behind a place up to which some part has not looked."""
    found = list(parts)
    horizon = min((part.following for part in found if part.following), default=None)
    items = merge(*(part.items for part in found), key=place)
    within = [item for item in items if horizon is None or place(item) <= horizon]
    following = place(within[limit - 1]) if len(within) > limit else horizon
    return PartialPage(within[:limit], following)


def cursor(place: str) -> str:
    """A place as clients have it, who cannot know what it means."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(given: str) -> str:
    """The place in a cursor; a Problem when it is none of ours."""
    try:
        place = urlsafe_b64decode(given + "=" * (-len(given) % 4)).decode()
    except ValueError:
        place = ""
    if not _PLACE.fullmatch(place):
        raise Problem(422, "invalid", "after: is none that `next` gave")
    return place


def _part(rows: Iterator[tuple[str, Item | None]], asked: PageRequest) -> PartialPage:
    items: list[Item] = []
    last = asked.after
    for number, (place, item) in enumerate(rows):
        if len(items) == asked.limit or number == LOOKED_AT:
            return PartialPage(items, last)
        last = place
        items += [] if item is None else [item]
    return PartialPage(items, None)


def _query(source: ListSource, asked: PageRequest, partition: int) -> str:
    given = {**source.query(), "after": cursor(asked.after) if asked.after else None}
    return urlencode({name: value for name, value in given.items() if value is not None} | {"limit": asked.limit, "partition": partition})


def _token(request: Request, kind: str) -> ConsistencyToken | None:
    token = parse(request.headers["consistency-token"]) if has_token(request) else None
    if token is not None and token.aggregate_type != kind:
        raise Problem(400, "token-not-applicable", f"the Consistency-Token is of another write: only one to this kind ({kind}) says what to wait for")
    return token
