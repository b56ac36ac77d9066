"""The routes by which a shop puts its orders in."""

from fastapi import APIRouter, Request, Response

from app.web import body, problem
from app.web.problem import Problem
from app.web.request import derived_id, order
from app.web.writes import Writes
from schemas.http import CancelOrder, PatchCustomer, PostCustomer, PostOrder, PostProduct, ReceiveStock, ShipOrder

BODIES = (PostOrder, ShipOrder, CancelOrder, PostProduct, ReceiveStock, PostCustomer, PatchCustomer)

REFUSED = problem.documented(
    _400="undecodable: the body is no JSON",
    _409="already-exists, illegal-transition, insufficient-stock, insufficient-credit, currency-mismatch, version-conflict, parked",
    _413="too-large",
    _415="unsupported-media-type",
    _422="invalid",
    _503="no-owner, not-owner, too-many-writes: ask again after Retry-After seconds",
)
UNKNOWN = problem.documented(_404="not-found, unknown-product, unknown-customer")
UNANSWERED = problem.documented(_202="unanswered: the outcome is not known yet, Location will tell")


def routes(writes: Writes) -> APIRouter:
    """All routes that write."""
    router = APIRouter(responses={**REFUSED, **UNKNOWN, **UNANSWERED}, tags=["writes"])
    for of in (_orders, _products, _customers):
        of(router, writes)
    return router


def _orders(router: APIRouter, writes: Writes) -> None:
    @router.post("/orders", status_code=201, openapi_extra=body.documented(PostOrder))
    async def place_order(request: Request) -> Response:
        """Place an order; its total is computed, its id derived from the Idempotency-Key where none is given."""
        asked = await body.read(request, PostOrder)
        identity = asked.order_id or derived_id(request, "Order")
        command = order(request, "Order", identity, asked, leaving_out="order_id")
        return await writes.write(request, command, 201, {"orderId": identity, "status": "PLACED"}, f"/orders/{identity}")

    @router.post("/orders/{order_id}/ship", openapi_extra=body.documented(ShipOrder))
    async def ship_order(request: Request, order_id: str) -> Response:
        """Ship a confirmed order."""
        command = order(request, "Order", order_id, await body.read(request, ShipOrder))
        return await writes.write(request, command, 200, {"orderId": order_id, "status": "SHIPPED"})

    @router.post("/orders/{order_id}/cancel", openapi_extra=body.documented(CancelOrder))
    async def cancel_order(request: Request, order_id: str) -> Response:
        """Give up an order that was not shipped."""
        command = order(request, "Order", order_id, await body.read(request, CancelOrder))
        return await writes.write(request, command, 200, {"orderId": order_id, "status": "CANCELLED"})


def _products(router: APIRouter, writes: Writes) -> None:
    @router.post("/products", status_code=201, openapi_extra=body.documented(PostProduct))
    async def register_product(request: Request) -> Response:
        """Offer a product; it begins without stock."""
        asked = await body.read(request, PostProduct)
        identity = asked.product_id or derived_id(request, "Product")
        command = order(request, "Product", identity, asked, leaving_out="product_id")
        return await writes.write(request, command, 201, {"productId": identity}, f"/products/{identity}")

    @router.post("/products/{product_id}/stock", openapi_extra=body.documented(ReceiveStock))
    async def receive_stock(request: Request, product_id: str) -> Response:
        """Goods arrive."""
        command = order(request, "Product", product_id, await body.read(request, ReceiveStock))
        return await writes.write(request, command, 200, {"productId": product_id})


def _customers(router: APIRouter, writes: Writes) -> None:
    @router.post("/customers", status_code=201, openapi_extra=body.documented(PostCustomer))
    async def register_customer(request: Request) -> Response:
        """A customer with a limit of credit."""
        asked = await body.read(request, PostCustomer)
        identity = asked.customer_id or derived_id(request, "Customer")
        command = order(request, "Customer", identity, asked, leaving_out="customer_id")
        return await writes.write(request, command, 201, {"customerId": identity}, f"/customers/{identity}")

    @router.patch("/customers/{customer_id}", openapi_extra=body.documented(PatchCustomer))
    async def change_customer(request: Request, customer_id: str) -> Response:
        """Change name and email, or the credit limit; not both in one request."""
        meant = (await body.read(request, PatchCustomer)).command()
        if meant is None:
            raise Problem(422, "invalid", "body: either name and email (one of them at least), or creditLimit")
        return await writes.write(request, order(request, "Customer", customer_id, meant), 200, {"customerId": customer_id})
