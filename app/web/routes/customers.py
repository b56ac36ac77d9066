"""`/customers`: commands to a customer, a customer with the used credit, and its history (contract, section 4)."""

from fastapi import APIRouter, Request, Response

from app.web import openapi
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import request_body as body
from app.web.http.problems import Problem
from app.web.openapi import AggregateId
from app.web.queries.history import FromVersion, HistoryQuery
from app.web.queries.rows import RowQuery, customer_row
from schemas import view_answers
from schemas.answers import CustomerAnswer
from schemas.customer import ChangeCreditLimit, ChangeCustomer
from schemas.fields import Id
from schemas.requests import PatchCustomer, PostCustomer

BODIES = (PostCustomer, ChangeCustomer, ChangeCreditLimit)


def write_routes(writes: CommandEndpoint) -> APIRouter:
    """Return the routes that register and change a customer."""
    router = APIRouter(responses=openapi.WRITE_RESPONSES, tags=["writes"], dependencies=[headers.WRITE])

    @router.post("/customers", status_code=201, responses=openapi.created(CustomerAnswer), openapi_extra=body.documented(PostCustomer))
    async def register_customer(request: Request) -> Response:
        """Register a customer with a credit limit."""
        return await writes.create(request, "Customer", await body.read(request, PostCustomer))

    @router.patch(
        "/customers/{customer_id}",
        responses=openapi.changed(CustomerAnswer, "unknown-customer", "insufficient-credit"),
        openapi_extra=body.documented(ChangeCustomer, ChangeCreditLimit),
    )
    async def change_customer(request: Request, customer_id: AggregateId) -> Response:
        """Change name and email, or the credit limit, but not both in one request."""
        meant = (await body.read(request, PatchCustomer)).command()
        if meant is None:
            raise Problem(422, "invalid", "body: either name and email (one of them at least), or creditLimit")
        return await writes.change(request, "Customer", customer_id, meant)

    return router


def row_routes(rows: RowQuery) -> APIRouter:
    """Return the route for a single customer."""
    router = APIRouter(responses=openapi.ROW_ERRORS, tags=["reads"], dependencies=[headers.READ])

    @router.get("/customers/{customer_id}", responses=openapi.shown(view_answers.CustomerAccount))
    async def customer(request: Request, customer_id: Id) -> Response:
        """Return a customer and the used credit."""
        return await rows.row(request, "Customer", customer_id, customer_row)

    return router


def history_routes(histories: HistoryQuery) -> APIRouter:
    """Return the route for the history of a customer."""
    router = APIRouter(responses=openapi.HISTORY_RESPONSES, tags=["reads"], dependencies=[headers.READ])

    @router.get("/customers/{customer_id}/events")
    async def customer_events(request: Request, customer_id: Id, from_version: FromVersion = 1) -> Response:
        """Return the events of a customer."""
        return await histories.history(request, "Customer", customer_id, from_version)

    return router
