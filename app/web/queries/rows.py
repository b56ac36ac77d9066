"""Rows of read models: `GET /orders/{id}`, `/products/{id}`, `/customers/{id}` (contract, section 4)."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, get_args

import msgspec
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from msgspec import Struct

from app.domain.read_models.customer_account import CustomerAccount
from app.domain.read_models.customer_name import ASKED, CustomerName
from app.domain.read_models.order_summary import OrderSummary
from app.domain.read_models.product_stock import ProductStock
from app.streams.state.store import StateStore
from app.web import openapi
from app.web.gateway.consistency import deadline_s, fresh, has_token
from app.web.gateway.desk import Desk
from app.web.gateway.etag import matches
from app.web.gateway.forwarding import Forwarder
from app.web.http import headers
from app.web.http import problems as problem
from schemas import view_answers
from schemas.answers import Answer, Status
from schemas.fields import Id, NotNull
from tables.customer_account import customer_accounts
from tables.order_summary import order_summaries
from tables.product_stock import stock

LOOK_EVERY_S = 0.02


class RowResponse(NamedTuple):
    """Row as clients see it, with the version that it reflects and its ETag."""

    version: int
    tag: str
    body: dict[str, Any]
    joined: bool = True
    """False until the name of the order's customer has arrived."""


Read = Callable[[StateStore, str], RowResponse | None]
Wanted = Callable[[RowResponse], bool]


def _anything(_found: RowResponse) -> bool:
    return True


class RowQuery:
    """Query for rows of read models, answered by the worker that owns them."""

    def __init__(self, desk: Desk, forwarder: Forwarder) -> None:
        self._desk = desk
        self._forwarder = forwarder

    async def row(self, request: Request, kind: str, identity: str, read: Read, wanted: Wanted = _anything) -> Response:
        """Return the row that `read` finds, as new as the request's token requires and if possible `wanted`, or 304 if the client already has it."""
        partition = self._desk.partition(identity)
        if not self._desk.has_view(partition):
            return await self._forwarder.read(request, partition)
        found = await self._fresh(request, kind, identity, lambda: self._desk.view(identity, lambda store: read(store, identity)), wanted)
        if matches(request, found.tag):
            return Response(status_code=304, headers={"ETag": found.tag})
        return JSONResponse(found.body, headers={"ETag": found.tag})

    async def _fresh(self, request: Request, kind: str, identity: str, read: Callable[[], RowResponse | None], wanted: Wanted) -> RowResponse:
        """Wait for the required version, then for `wanted` while time is left. With a token, also wait for the name of an order's customer."""
        until_s = deadline_s(request)
        found = await fresh(request, kind, identity, read, lambda row: row.version)
        while ((not found.joined and has_token(request)) or not wanted(found)) and asyncio.get_running_loop().time() < until_s:
            await asyncio.sleep(LOOK_EVERY_S)
            found = read() or found
        return found


_STATUS = f"({'|'.join(get_args(Status))})"
Statuses = Annotated[str | None, NotNull, Query(pattern=f"^{_STATUS}(,{_STATUS})*$", description="statuses to wait for, with commas between them")]


def routes(rows: RowQuery) -> APIRouter:
    """Return the routes for single orders, products and customers."""
    router = APIRouter(responses=ROW_ERRORS, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}", responses=shown(view_answers.OrderSummary))
    async def order(request: Request, order_id: Id, wait: Statuses = None) -> Response:
        """Return an order with its customer's name, as new as the Consistency-Token requires. `wait` waits for a status, up to a time limit."""
        statuses = None if wait is None else frozenset(wait.split(","))
        return await rows.row(request, "Order", order_id, _order, lambda found: statuses is None or found.body["status"] in statuses)

    @router.get("/products/{product_id}", responses=shown(view_answers.ProductStock))
    async def product(request: Request, product_id: Id) -> Response:
        """Return a product and its stock."""
        return await rows.row(request, "Product", product_id, _product)

    @router.get("/customers/{customer_id}", responses=shown(view_answers.CustomerAccount))
    async def customer(request: Request, customer_id: Id) -> Response:
        """Return a customer and the used credit."""
        return await rows.row(request, "Customer", customer_id, _customer)

    return router


ROW_ERRORS = problem.documented(
    _400="token-not-applicable",
    _404="not-found",
    _412="not-yet",
    _422="invalid",
    _503="no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds",
)


def shown(model: type[Answer]) -> problem.Responses:
    """Return the responses of a route that shows a row, for OpenAPI."""
    unchanged = {"description": "it is as If-None-Match says", "headers": {"ETag": problem.HEADERS["ETag"]}}
    return {**openapi.answer(200, model, "as the view has it", "ETag"), 304: unchanged}


def summary(order: OrderSummary, name: CustomerName) -> dict[str, Any]:
    """Return an order with its customer's name and email."""
    return {**fields(order), "customerName": name.name, "customerEmail": name.email}


def fields(row: Struct) -> dict[str, Any]:
    """Return a row as a JSON object."""
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def _order(store: StateStore, order_id: str) -> RowResponse | None:
    found = order_summaries.committed(store, order_id)
    if found is None:
        return None
    order, name = found
    named = f".{name.version}" if name.version > 0 else ""
    return RowResponse(order.version, f'"{order.version}{named}"', summary(order, name), joined=name.version != ASKED)


def _product(store: StateStore, product_id: str) -> RowResponse | None:
    product: ProductStock | None = stock.committed(store, product_id)
    if product is None:
        return None
    return RowResponse(product.version, f'"{product.version}"', {**fields(product), "available": product.on_hand - product.reserved})


def _customer(store: StateStore, customer_id: str) -> RowResponse | None:
    account: CustomerAccount | None = customer_accounts.committed(store, customer_id)
    if account is None:
        return None
    body = fields(account)
    del body["namedAt"]
    return RowResponse(account.version, f'"{account.version}"', body)
