"""Lists over all partitions, the newest first: scatter/gather over the partitions' read models, which any worker can do.

The place of a listed item never changes. So the next page, which begins behind the last item, neither repeats nor skips items that existed before.
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
from app.web.gateway.consistency import ConsistencyToken, has_token, seen
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
from app.web.http.problems import Problem
from schemas.fields import NotNull, Number

LOOKED_AT = 2_000
"""Rows of a partition that one page reads, at most. A page with a filter may be shorter than its limit."""

_PLACE = re.compile(r"[0-9TZtz:.+-]{1,64}/[A-Za-z0-9._~:@-]{1,128}")

Item = dict[str, Any]

After = Annotated[str | None, NotNull, Query(max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
InPartition = Annotated[Number | None, NotNull, Query(description="only what is in this partition")]


class PageRequest(NamedTuple):
    """Request for a page; `after` is the place of the last item of the previous page."""

    limit: int
    after: str
    partition: int | None

    @classmethod
    def of(cls, limit: int, after: str | None, partition: int | None) -> "PageRequest":
        """Build the request from query parameters. Raise a Problem if the cursor is malformed."""
        return cls(limit, place_of(after) if after else "", partition)


class ListSource(Protocol):
    """Source of a list: the kind of items and the filter."""

    @property
    def kind(self) -> str:
        """Aggregate type whose writes a token may name."""

    def query(self) -> Mapping[str, str | None]:
        """Return the filter as query parameters."""

    def version(self, store: StateStore, identity: str) -> int:
        """Return the version at which an aggregate is listed, 0 if it is not listed yet."""

    def rows(self, store: StateStore, after: str) -> Iterator[tuple[str, Item | None]]:
        """Yield the places behind `after`, in order, each with its item, or with None if the filter excludes it."""

    def place(self, item: Item) -> str:
        """Return the place of an item."""


class PartialPage(NamedTuple):
    """Items of some partitions, and the place behind which there may be more."""

    items: list[Item]
    following: str | None


class PartitionedList:
    """Query for lists, which merges the partial pages of the partitions."""

    def __init__(self, local: LocalState, forwarder: Forwarder, partitions: int) -> None:
        self._local = local
        self._forwarder = forwarder
        self._partitions = partitions

    async def page(self, request: Request, source: ListSource, asked: PageRequest) -> Response:
        """Return a page of all partitions, or of one."""
        if asked.partition is not None and asked.partition >= self._partitions:
            raise Problem(422, "invalid", f"partition: they are 0 to {self._partitions - 1}")
        token = _token(request, source.kind)
        wanted = range(self._partitions) if asked.partition is None else [asked.partition]
        found = joined(await asyncio.gather(*(self._part(request, source, asked, number, token) for number in wanted)), asked.limit, source.place)
        return JSONResponse({"items": found.items, "next": found.following and cursor(found.following)})

    async def _part(self, request: Request, source: ListSource, asked: PageRequest, partition: int, token: ConsistencyToken | None) -> PartialPage:
        if not self._local.has_view(partition):
            return await self._elsewhere(request, source, asked, partition)
        if token is not None and self._local.partition(token.aggregate_id) == partition:
            await seen(request, lambda: self._local.view_rows(partition, lambda store: source.version(store, token.aggregate_id)))
        return self._local.view_rows(partition, lambda store: _part(source.rows(store, asked.after), asked))

    async def _elsewhere(self, request: Request, source: ListSource, asked: PageRequest, partition: int) -> PartialPage:
        told = await self._forwarder.page(request, partition, _query(source, asked, partition))
        return PartialPage(told.items, told.next and place_of(told.next))


def joined(parts: Iterable[PartialPage], limit: int, place: Callable[[Item], str]) -> PartialPage:
    """Merge partial pages into one page. It ends at the place up to which every part is complete."""
    found = list(parts)
    horizon = min((part.following for part in found if part.following), default=None)
    items = merge(*(part.items for part in found), key=place)
    within = [item for item in items if horizon is None or place(item) <= horizon]
    following = place(within[limit - 1]) if len(within) > limit else horizon
    return PartialPage(within[:limit], following)


def cursor(place: str) -> str:
    """Encode a place as an opaque cursor for clients."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(given: str) -> str:
    """Decode a cursor. Raise a Problem if it is malformed."""
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
    token = ConsistencyToken.parse(request.headers["consistency-token"]) if has_token(request) else None
    if token is not None and token.aggregate_type != kind:
        raise Problem(400, "token-not-applicable", f"the Consistency-Token is of another write: only one to this kind ({kind}) says what to wait for")
    return token
