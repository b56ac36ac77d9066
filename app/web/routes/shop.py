"""Routes for writes of the shop: orders, products and customers."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from app.web import openapi
from app.web.gateway.request import derived_id, order
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http import request_body as body
from app.web.http.problems import Problem, Responses
from schemas.answers import Answer, CustomerAnswer, OrderAnswer, ProductAnswer
from schemas.customer import ChangeCreditLimit, ChangeCustomer
from schemas.envelopes import Command
from schemas.fields import Id
from schemas.requests import CancelOrder, PatchCustomer, PostCustomer, PostOrder, PostProduct, ReceiveStock, ShipOrder

BODIES = (PostOrder, ShipOrder, CancelOrder, PostProduct, ReceiveStock, PostCustomer, ChangeCustomer, ChangeCreditLimit)

REFUSED = problem.documented(
    _400="undecodable: the body is no JSON",
    _408="body-too-slow",
    _413="too-large",
    _415="unsupported-media-type",
    _422="invalid: the body, a parameter, or an Idempotency-Key that was used for something else",
    _503="no-broker, no-owner, not-owner, too-many-writes: nothing was done; send the same again after Retry-After seconds",
)

AggregateId = Annotated[Id, Path(examples=["o-1"])]


def routes(writes: CommandEndpoint) -> APIRouter:
    """Return all routes that write."""
    router = APIRouter(responses={**REFUSED, **openapi.UNANSWERED}, tags=["writes"], dependencies=[headers.WRITE])
    for of in (_orders, _products, _customers):
        of(router, writes)
    return router


def _orders(router: APIRouter, writes: CommandEndpoint) -> None:
    @router.post("/orders", status_code=201, responses=_created(OrderAnswer), openapi_extra=body.documented(PostOrder))
    async def place_order(request: Request) -> Response:
        """Place an order. Its total is computed; without an id in the body, the id is derived from the Idempotency-Key."""
        return await _create(writes, request, "Order", PostOrder, status="PLACED")

    @router.post("/orders/{order_id}/ship", responses=changed(OrderAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(ShipOrder))
    async def ship_order(request: Request, order_id: AggregateId) -> Response:
        """Ship a confirmed order."""
        return await _change(writes, request, "Order", order_id, await body.read(request, ShipOrder), status="SHIPPED")

    @router.post("/orders/{order_id}/cancel", responses=changed(OrderAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(CancelOrder))
    async def cancel_order(request: Request, order_id: AggregateId) -> Response:
        """Cancel an order that was not shipped."""
        return await _change(writes, request, "Order", order_id, await body.read(request, CancelOrder), status="CANCELLED")


def _products(router: APIRouter, writes: CommandEndpoint) -> None:
    @router.post("/products", status_code=201, responses=_created(ProductAnswer), openapi_extra=body.documented(PostProduct))
    async def register_product(request: Request) -> Response:
        """Register a product. It begins without stock."""
        return await _create(writes, request, "Product", PostProduct)

    @router.post("/products/{product_id}/stock", responses=changed(ProductAnswer, "unknown-product"), openapi_extra=body.documented(ReceiveStock))
    async def receive_stock(request: Request, product_id: AggregateId) -> Response:
        """Add received goods to the stock of a product."""
        return await _change(writes, request, "Product", product_id, await body.read(request, ReceiveStock))


def _customers(router: APIRouter, writes: CommandEndpoint) -> None:
    @router.post("/customers", status_code=201, responses=_created(CustomerAnswer), openapi_extra=body.documented(PostCustomer))
    async def register_customer(request: Request) -> Response:
        """Register a customer with a credit limit."""
        return await _create(writes, request, "Customer", PostCustomer)

    @router.patch(
        "/customers/{customer_id}",
        responses=changed(CustomerAnswer, "unknown-customer", "insufficient-credit"),
        openapi_extra=body.documented(ChangeCustomer, ChangeCreditLimit),
    )
    async def change_customer(request: Request, customer_id: AggregateId) -> Response:
        """Change name and email, or the credit limit, but not both in one request."""
        meant = (await body.read(request, PatchCustomer)).command()
        if meant is None:
            raise Problem(422, "invalid", "body: either name and email (one of them at least), or creditLimit")
        return await _change(writes, request, "Customer", customer_id, meant)


async def _create(writes: CommandEndpoint, request: Request, aggregate_type: str, model: type[Command], **shown: str) -> Response:
    """Create the aggregate that the body describes. Its id is in the body, or is derived from the Idempotency-Key."""
    name, asked = aggregate_type.lower(), await body.read(request, model)
    identity = getattr(asked, f"{name}_id") or derived_id(request, aggregate_type)
    command = order(request, aggregate_type, identity, asked, leaving_out=f"{name}_id")
    return await writes.write(request, command, 201, {f"{name}Id": identity, **shown}, f"/{name}s/{identity}")


async def _change(writes: CommandEndpoint, request: Request, aggregate_type: str, identity: str, command: Command, **shown: str) -> Response:
    return await writes.write(request, order(request, aggregate_type, identity, command), 200, {f"{aggregate_type.lower()}Id": identity, **shown})


def _created(model: type[Answer]) -> Responses:
    conflict = problem.documented(_409="already-exists, version-conflict, parked")
    return {**conflict, **REFUSED, **openapi.answer(201, model, "it is in the log", "Location", "Consistency-Token", "Duplicate")}


def changed(model: type[Answer], unknown: str, *conflicts: str) -> Responses:
    """Return the responses of a route that changes an aggregate. `unknown` is the code if it does not exist, `conflicts` are the codes of 409."""
    errors = problem.documented(_404=unknown, _409=", ".join([*conflicts, "version-conflict", "parked"]))
    return {**errors, **REFUSED, **openapi.answer(200, model, "it is in the log", "Consistency-Token", "Duplicate")}
