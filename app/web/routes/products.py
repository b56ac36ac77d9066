"""`/products`: commands to a product, a product with its stock, and its history (contract, section 4)."""

from fastapi import APIRouter, Request, Response

from app.web import openapi
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import request_body as body
from app.web.openapi import AggregateId
from app.web.queries.history import FromVersion, HistoryQuery
from app.web.queries.rows import RowQuery, product_row
from schemas import view_answers
from schemas.answers import ProductAnswer
from schemas.fields import Id
from schemas.requests import PostProduct, ReceiveStock

BODIES = (PostProduct, ReceiveStock)


def write_routes(writes: CommandEndpoint) -> APIRouter:
    """Return the routes that register a product and add to its stock."""
    router = APIRouter(responses=openapi.WRITE_RESPONSES, tags=["writes"], dependencies=[headers.WRITE])

    @router.post("/products", status_code=201, responses=openapi.created(ProductAnswer), openapi_extra=body.documented(PostProduct))
    async def register_product(request: Request) -> Response:
        """Register a product. It begins without stock."""
        return await writes.create(request, "Product", await body.read(request, PostProduct))

    @router.post("/products/{product_id}/stock", responses=openapi.changed(ProductAnswer, "unknown-product"), openapi_extra=body.documented(ReceiveStock))
    async def receive_stock(request: Request, product_id: AggregateId) -> Response:
        """Add received goods to the stock of a product."""
        return await writes.change(request, "Product", product_id, await body.read(request, ReceiveStock))

    return router


def row_routes(rows: RowQuery) -> APIRouter:
    """Return the route for a single product."""
    router = APIRouter(responses=openapi.ROW_ERRORS, tags=["reads"], dependencies=[headers.READ])

    @router.get("/products/{product_id}", responses=openapi.shown(view_answers.ProductStock))
    async def product(request: Request, product_id: Id) -> Response:
        """Return a product and its stock."""
        return await rows.row(request, "Product", product_id, product_row)

    return router


def history_routes(histories: HistoryQuery) -> APIRouter:
    """Return the route for the history of a product."""
    router = APIRouter(responses=openapi.HISTORY_RESPONSES, tags=["reads"], dependencies=[headers.READ])

    @router.get("/products/{product_id}/events")
    async def product_events(request: Request, product_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of a product."""
        return await histories.history(request, "Product", product_id, from_version)

    return router
