"""Rows of read models as clients see them: orders, products and customers (contract, section 4)."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from fastapi import Request, Response
from fastapi.responses import JSONResponse
from msgspec import Struct

from app.domain.read_models.customer_account import CustomerAccount
from app.domain.read_models.customer_name import ASKED, CustomerName
from app.domain.read_models.order_summary import OrderSummary
from app.domain.read_models.product_stock import ProductStock
from app.streams.state.store import StateStore
from app.web.gateway.consistency import deadline_s, fresh, has_token
from app.web.gateway.etag import matches
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
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

    def __init__(self, local: LocalState, forwarder: Forwarder) -> None:
        self._local = local
        self._forwarder = forwarder

    async def row(self, request: Request, kind: str, identity: str, read: Read, wanted: Wanted = _anything) -> Response:
        """Return the row that `read` finds, as new as the request's token requires and if possible `wanted`, or 304 if the client already has it."""
        partition = self._local.partition(identity)
        if not self._local.has_view(partition):
            return await self._forwarder.read(request, partition)
        found = await self._fresh(request, kind, identity, lambda: self._local.view(identity, lambda store: read(store, identity)), wanted)
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


def summary(order: OrderSummary, name: CustomerName) -> dict[str, Any]:
    """Return an order with its customer's name and email."""
    return {**fields(order), "customerName": name.name, "customerEmail": name.email}


def fields(row: Struct) -> dict[str, Any]:
    """Return a row as a JSON object."""
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def order_row(store: StateStore, order_id: str) -> RowResponse | None:
    """Return an order with its customer's name, or None if there is none."""
    found = order_summaries.committed(store, order_id)
    if found is None:
        return None
    order, name = found
    named = f".{name.version}" if name.version > 0 else ""
    return RowResponse(order.version, f'"{order.version}{named}"', summary(order, name), joined=name.version != ASKED)


def product_row(store: StateStore, product_id: str) -> RowResponse | None:
    """Return a product with what is available of it, or None if there is none."""
    product: ProductStock | None = stock.committed(store, product_id)
    if product is None:
        return None
    return RowResponse(product.version, f'"{product.version}"', {**fields(product), "available": product.on_hand - product.reserved})


def customer_row(store: StateStore, customer_id: str) -> RowResponse | None:
    """Return a customer with the used credit, or None if there is none."""
    account: CustomerAccount | None = customer_accounts.committed(store, customer_id)
    if account is None:
        return None
    body = fields(account)
    del body["namedAt"]
    return RowResponse(account.version, f'"{account.version}"', body)
