"""`GET /orders`: orders of all partitions, the newest first (contract, section 4).

Each partition's view gives its part of a page, and any worker puts them together. An order's place in the list never changes, so a page that begins behind
the last one repeats nothing, and leaves out nothing that was there.
"""

import asyncio
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from heapq import merge
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, get_args
from urllib.parse import urlencode

import aiohttp
import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from app.domain.views.customer_name import ASKED
from app.domain.views.order_list import newest_first
from app.domain.views.order_summary import OrderSummary
from app.kernel.store import Store
from app.web import headers, openapi, problem
from app.web.desk import Desk
from app.web.forward import Forwarder
from app.web.fresh import has_token, not_yet, seen
from app.web.problem import Problem, later
from app.web.token import Token, parse
from app.web.view_rows import summary
from schemas.answers import OrdersPage, Status
from schemas.fields import Id, NotNull
from tables.customer_orders import customer_orders
from tables.order_list import OrderList
from tables.order_summary import order_summaries
from tables.orders_by_status import orders_by_status

LOOKED_AT = 2_000
"""Orders of a partition that one page looks at: with both filters it may be shorter than its limit."""

STATUSES: tuple[str, ...] = get_args(Status)
_PLACE = re.compile(r"[0-9TZtz:.+-]{1,64}/[A-Za-z0-9._~:@-]{1,128}")

CustomerNamed = Annotated[Id | None, NotNull, Query(alias="customerId")]
InStatus = Annotated[Status | None, NotNull, Query()]
After = Annotated[str | None, NotNull, Query(max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=1_000)]
Number = Annotated[Annotated[int, Field(ge=0, lt=1 << 31)] | None, NotNull, Query(description="only what is in this partition")]


class Asked(NamedTuple):
    """A page that a client asks for; `after` is the place of the last order that it has."""

    customer_id: str | None
    status: str | None
    limit: int
    after: str

    def of(self, partition: int) -> str:
        """The query for the part of one partition."""
        given = {"customerId": self.customer_id, "status": self.status, "after": cursor(self.after) if self.after else None}
        return urlencode({name: value for name, value in given.items() if value is not None} | {"limit": self.limit, "partition": partition})


class Part(NamedTuple):
    """Orders of some partitions, and the place behind which there may be more."""

    items: list[dict[str, Any]]
    following: str | None


class OrderPages:
    """Puts pages together."""

    def __init__(self, desk: Desk, forwarder: Forwarder, partitions: int) -> None:
        self._desk = desk
        self._forwarder = forwarder
        self._partitions = partitions

    async def page(self, request: Request, asked: Asked, partition: int | None) -> Response:
        """A page of all partitions, or of one."""
        if partition is not None and partition >= self._partitions:
            raise Problem(422, "invalid", f"partition: they are 0 to {self._partitions - 1}")
        token = _token(request)
        wanted = range(self._partitions) if partition is None else [partition]
        parts = await asyncio.gather(*(self._part(request, asked, number, token) for number in wanted))
        found = joined(parts, asked.limit)
        return JSONResponse({"items": found.items, "next": found.following and cursor(found.following)})

    async def _part(self, request: Request, asked: Asked, partition: int, token: Token | None) -> Part:
        if not self._desk.has_view(partition):
            return await self._elsewhere(request, asked, partition)
        if token is not None and self._desk.partition(token.aggregate_id) == partition:
            await seen(request, lambda: self._desk.view_rows(partition, lambda store: _version(_list(asked), store, token.aggregate_id)))
        return self._desk.view_rows(partition, lambda store: _part(store, asked))

    async def _elsewhere(self, request: Request, asked: Asked, partition: int) -> Part:
        try:
            answer = await self._forwarder.ask(request, partition, asked.of(partition))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise later("no-owner", f"the worker that owns partition {partition} did not answer: ask again") from error
        if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
            raise not_yet()
        if answer.status_code != HTTPStatus.OK:
            raise later("no-owner", f"the worker that owns partition {partition} does not answer for it: ask again")
        told = msgspec.json.decode(answer.body)
        return Part(told["items"], told["next"] and place_of(told["next"]))


def routes(pages: OrderPages) -> APIRouter:
    """The list of orders."""
    router = APIRouter(responses={**openapi.answer(200, OrdersPage, "orders, the newest first"), **ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders")
    async def orders(  # noqa: PLR0913, PLR0917 (what the contract lets a client ask for)
        request: Request,
        customer_id: CustomerNamed = None,
        status: InStatus = None,
        limit: Limit = 100,
        after: After = None,
        partition: Number = None,
    ) -> Response:
        """Orders, the newest first, of a customer or in a status; `next` is the `after` of the page that follows, or null."""
        return await pages.page(request, Asked(customer_id, status, limit, place_of(after) if after else ""), partition)

    return router


ERRORS = problem.documented(
    _400="token-not-applicable",
    _412="not-yet",
    _422="invalid",
    _503="no-owner, not-owner, view-recovering, view-stopped: ask again after Retry-After seconds",
)


def joined(parts: Iterable[Part], limit: int) -> Part:
    """One page: nothing is behind a place up to which some part has not looked."""
    found = list(parts)
    horizon = min((part.following for part in found if part.following), default=None)
    items = list(merge(*(part.items for part in found), key=_place))
    within = [item for item in items if horizon is None or _place(item) <= horizon]
    following = _place(within[limit - 1]) if len(within) > limit else horizon
    return Part(within[:limit], following)


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


def _token(request: Request) -> Token | None:
    token = parse(request.headers["consistency-token"]) if has_token(request) else None
    if token is not None and token.aggregate_type != "Order":
        raise Problem(400, "token-not-applicable", "the Consistency-Token is of another write: only one to an order says what to wait for")
    return token


def _list(asked: Asked) -> OrderList:
    return orders_by_status if asked.customer_id is None else customer_orders


def _version(listed: OrderList, store: Store, order_id: str) -> int:
    """That of an order in a list; 0 as long as who ordered it is asked for and not told."""
    found = order_summaries.committed(store, order_id)
    return 0 if found is None or found[1].version == ASKED else listed.committed_version(store, order_id)


def _part(store: Store, asked: Asked) -> Part:
    items: list[dict[str, Any]] = []
    last = asked.after
    for number, (place, order) in enumerate(_listed(store, asked)):
        if len(items) == asked.limit or number == LOOKED_AT:
            return Part(items, last)
        last = place
        if asked.status in {None, order.status}:
            items.append(summary(order, order_summaries.customer(store, order.customer_id)))
    return Part(items, None)


def _listed(store: Store, asked: Asked) -> Iterator[tuple[str, OrderSummary]]:
    if asked.customer_id is not None:
        return customer_orders.committed(store, asked.customer_id, asked.after)
    statuses = STATUSES if asked.status is None else [asked.status]
    return merge(*(orders_by_status.committed(store, status, asked.after) for status in statuses))


def _place(item: dict[str, Any]) -> str:
    return newest_first(item["orderDate"], item["orderId"])
