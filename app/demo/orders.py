"""The demo's shop as commands: what is registered before, and the orders. Pure, but for the time on the commands."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from app.client.results import Json

CURRENCY = "EUR"
PRODUCTS = 10
CUSTOMERS = 25
STOCK = 1_000_000
CREDIT = 10**12


class Kind(StrEnum):
    """What becomes of an order, and why."""

    FULFILLED = "fulfilled"
    SHIPPED = "fulfilled and shipped"
    CANCELLED = "fulfilled, then cancelled"
    OUT_OF_STOCK = "wants more than there is"
    OVER_LIMIT = "over the credit limit"


KINDS = {1: Kind.OUT_OF_STOCK, 2: Kind.OVER_LIMIT, 4: Kind.CANCELLED, 5: Kind.SHIPPED}
"""By number; all others are fulfilled."""

LEAST = 3
"""With fewer orders there would be none that is out of stock, none over the limit, or none that goes the whole way."""

SCARCE = "product-scarce"
POOR = "customer-poor"
_ORDER = "order-"


@dataclass(frozen=True)
class Shop:
    """One run of the demo; its `token` begins every id, so that a later run on the same data has others."""

    token: str

    def registrations(self) -> Iterator[Json]:
        """All products with plenty of stock and customers with plenty of credit, but for one of each."""
        for product in [*(self.product(number) for number in range(PRODUCTS)), self.named(SCARCE)]:
            yield self._command("Product", product, "RegisterProduct", {"name": product, "price": 1_000, "currency": CURRENCY})
            yield self._command("Product", product, "ReceiveStock", {"quantity": 3 if product == self.named(SCARCE) else STOCK})
        for customer in [*(self.customer(number) for number in range(CUSTOMERS)), self.named(POOR)]:
            yield self._command("Customer", customer, "RegisterCustomer", self._registration(customer))

    def order(self, number: int) -> "Order":
        """The order of this number."""
        kind = KINDS.get(number, Kind.FULFILLED)
        return Order(
            self,
            kind,
            self.named(f"{_ORDER}{number}"),
            self.named(POOR) if kind == Kind.OVER_LIMIT else self.customer(number % CUSTOMERS),
            self.named(SCARCE) if kind == Kind.OUT_OF_STOCK else self.product(number % PRODUCTS),
            quantity=5 if kind == Kind.OUT_OF_STOCK else 1 + number % 3,
            price=1_000 + 50 * (number % PRODUCTS),
        )

    def kind(self, order_id: str) -> Kind | None:
        """That of an order; None if it is none of this run."""
        number = order_id.removeprefix(self.named(_ORDER))
        return None if number == order_id else KINDS.get(int(number), Kind.FULFILLED)

    def confirm(self, order_id: str) -> Json:
        """The command that ends an order's way well."""
        return self._command("Order", order_id, "ConfirmOrder", {})

    def named(self, name: str) -> str:
        """An id of this run."""
        return f"{self.token}.{name}"

    def product(self, number: int) -> str:
        """The id of a product."""
        return self.named(f"product-{number}")

    def customer(self, number: int) -> str:
        """The id of a customer."""
        return self.named(f"customer-{number}")

    def _registration(self, customer: str) -> dict[str, Any]:
        limit = 100 if customer == self.named(POOR) else CREDIT
        return {"name": customer, "email": f"{customer}@shop.example", "creditLimit": limit, "currency": CURRENCY}

    def _command(self, kind: str, identity: str, command: str, payload: dict[str, Any]) -> Json:
        return self.command(kind, identity, command, payload, identity)

    def command(self, kind: str, identity: str, command: str, payload: dict[str, Any], about: str) -> Json:
        """A command to an aggregate; `about` is the aggregate or order that makes its id one of its own."""
        named = {"commandId": f"{self.token}:{command}:{about}", "commandType": command, "aggregateId": identity, "aggregateType": kind}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {**named, "timestamp": now, "metadata": {"correlationId": about}, "payload": payload}


@dataclass(frozen=True)
class Order:
    """One order of one product; its saga takes it all the way, or back."""

    shop: Shop
    kind: Kind
    identity: str
    customer: str
    product: str
    quantity: int
    price: int

    def place(self) -> Json:
        """The order itself."""
        item = {"productId": self.product, "quantity": self.quantity, "price": self.price}
        payload = {"customerId": self.customer, "items": [item], "shippingAddress": "1 Log Lane, Streamville", "currency": CURRENCY}
        return self._to("Order", self.identity, "PlaceOrder", payload)

    def ship(self) -> Json:
        """It leaves the house."""
        return self._to("Order", self.identity, "ShipOrder", {"trackingNumber": f"track-{self.identity}"})

    def cancel(self) -> Json:
        """Its customer does not want it any more."""
        return self._to("Order", self.identity, "CancelOrder", {"reason": "changed my mind"})

    def restock(self) -> Json:
        """One more piece of its product."""
        return self._to("Product", self.product, "ReceiveStock", {"quantity": 1})

    def _to(self, kind: str, identity: str, command: str, payload: dict[str, Any]) -> Json:
        return self.shop.command(kind, identity, command, payload, self.identity)
