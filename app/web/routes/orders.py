"""`/orders`: commands to an order; an order, its saga, its history and its stream; lists of orders (contract, section 4)."""

from typing import Annotated, get_args

from fastapi import APIRouter, Header, Query, Request, Response

from app.web import openapi
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http import request_body as body
from app.web.openapi import AggregateId
from app.web.queries.event_stream import MEDIA_TYPE, MOST_WAIT_S, WAIT_S, OrderEventStream, Seen
from app.web.queries.history import FromVersion, HistoryQuery
from app.web.queries.lists import After, InPartition, Limit, PageRequest, PartitionedList
from app.web.queries.order_lists import OrderListSource
from app.web.queries.rows import RowQuery, order_row
from app.web.queries.saga_lists import saga_row
from schemas import view_answers
from schemas.answers import OrderAnswer, Status
from schemas.fields import Id, NotNull
from schemas.requests import CancelOrder, PostOrder, ShipOrder

BODIES = (PostOrder, ShipOrder, CancelOrder)

_STATUS = f"({'|'.join(get_args(Status))})"
Statuses = Annotated[str | None, NotNull, Query(pattern=f"^{_STATUS}(,{_STATUS})*$", description="statuses to wait for, with commas between them")]
CustomerNamed = Annotated[Id | None, NotNull, Query(alias="customerId")]
InStatus = Annotated[Status | None, NotNull, Query()]
Wait = Annotated[
    int, Query(ge=0, le=MOST_WAIT_S, description="how long it waits for an order that is not there yet (seconds); then `event: not-found` ends it")
]
LastEventId = Annotated[str | None, NotNull, Header(alias="Last-Event-ID", pattern=r"^\d{1,18}\.\d{1,18}$", description="the `id` of the last event that came")]

STREAM_ERRORS = problem.documented(
    _400="token-not-applicable", _422="invalid", _503="not-owner: of a request that was forwarded; ask again after Retry-After seconds"
)


def write_routes(writes: CommandEndpoint) -> APIRouter:
    """Return the routes that place, ship and cancel an order."""
    router = APIRouter(responses=openapi.WRITE_RESPONSES, tags=["writes"], dependencies=[headers.WRITE])

    @router.post("/orders", status_code=201, responses=openapi.created(OrderAnswer), openapi_extra=body.documented(PostOrder))
    async def place_order(request: Request) -> Response:
        """Place an order. Its total is computed; without an id in the body, the id is derived from the Idempotency-Key."""
        return await writes.create(request, "Order", await body.read(request, PostOrder), status="PLACED")

    @router.post("/orders/{order_id}/ship", responses=openapi.changed(OrderAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(ShipOrder))
    async def ship_order(request: Request, order_id: AggregateId) -> Response:
        """Ship a confirmed order."""
        return await writes.change(request, "Order", order_id, await body.read(request, ShipOrder), status="SHIPPED")

    @router.post(
        "/orders/{order_id}/cancel", responses=openapi.changed(OrderAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(CancelOrder)
    )
    async def cancel_order(request: Request, order_id: AggregateId) -> Response:
        """Cancel an order that was not shipped."""
        return await writes.change(request, "Order", order_id, await body.read(request, CancelOrder), status="CANCELLED")

    return router


def row_routes(rows: RowQuery) -> APIRouter:
    """Return the route for a single order."""
    router = APIRouter(responses=openapi.ROW_ERRORS, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}", responses=openapi.shown(view_answers.OrderSummary))
    async def order(request: Request, order_id: Id, wait: Statuses = None) -> Response:
        """Return an order with its customer's name, as new as the Consistency-Token requires. `wait` waits for a status, up to a time limit."""
        statuses = None if wait is None else frozenset(wait.split(","))
        return await rows.row(request, "Order", order_id, order_row, lambda found: statuses is None or found.body["status"] in statuses)

    return router


def list_routes(lists: PartitionedList) -> APIRouter:
    """Return the route for the list of orders."""
    listed = openapi.answer(200, view_answers.OrdersPage, "orders, the newest first")
    router = APIRouter(responses={**listed, **openapi.LIST_ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders")
    async def orders(  # noqa: PLR0913, PLR0917 (what the contract lets a client ask for)
        request: Request,
        customer_id: CustomerNamed = None,
        status: InStatus = None,
        limit: Limit = 100,
        after: After = None,
        partition: InPartition = None,
    ) -> Response:
        """List orders of a customer or in a status, the newest first. `next` is the `after` of the following page, or null."""
        return await lists.page(request, OrderListSource(customer_id, status), PageRequest.of(limit, after, partition))

    return router


def saga_routes(rows: RowQuery) -> APIRouter:
    """Return the route for the saga of an order."""
    router = APIRouter(responses=openapi.ROW_ERRORS, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}/saga", responses=openapi.shown(view_answers.SagaStatus))
    async def order_saga(request: Request, order_id: Id) -> Response:
        """Return the saga of an order: its steps, with time and reason."""
        return await rows.row(request, "Saga", order_id, saga_row)

    return router


def history_routes(histories: HistoryQuery) -> APIRouter:
    """Return the route for the history of an order."""
    router = APIRouter(responses=openapi.HISTORY_RESPONSES, tags=["reads"], dependencies=[headers.READ])

    @router.get("/orders/{order_id}/events")
    async def order_events(request: Request, order_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of an order."""
        return await histories.history(request, "Order", order_id, from_version)

    return router


def stream_routes(streams: OrderEventStream) -> APIRouter:
    """Return the route for the stream of an order."""
    router = APIRouter(responses=STREAM_ERRORS, tags=["reads"])

    @router.get("/orders/{order_id}/stream", response_class=Response, responses={200: {"description": "events as they happen", "content": {MEDIA_TYPE: {}}}})
    async def order_stream(request: Request, order_id: Id, wait: Wait = WAIT_S, last_event_id: LastEventId = None) -> Response:
        """Stream past and new events of an order and its saga. The status is 200 even if the order does not exist yet."""
        return await streams.stream(request, order_id, Seen.parse(last_event_id), wait)

    return router
