"""Commands of the demo's shop: registrations and orders. Pure, except for the time on the commands."""

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
    """Kind of an order: its outcome, and the reason."""

    FULFILLED = "fulfilled"
    SHIPPED = "fulfilled and shipped"
    CANCELLED = "fulfilled, then cancelled"
    OUT_OF_STOCK = "wants more than there is"
    OVER_LIMIT = "over the credit limit"


KINDS = {1: Kind.OUT_OF_STOCK, 2: Kind.OVER_LIMIT, 4: Kind.CANCELLED, 5: Kind.SHIPPED}
"""Kinds by order number; all other orders are fulfilled."""

LEAST = 3
"""Least number of orders, so that one is out of stock, one is over the limit, and one is fulfilled."""

SCARCE = "product-scarce"
POOR = "customer-poor"
_ORDER = "order-"


@dataclass(frozen=True)
class Shop:
    """Shop of one run of the demo. Every id begins with its `token`, so that a later run on the same data has other ids."""

    token: str

    def registrations(self) -> Iterator[Json]:
        """Yield commands that register products with plenty of stock and customers with plenty of credit, except for one of each."""
        for product in [*(self.product(number) for number in range(PRODUCTS)), self.named(SCARCE)]:
            yield self._command("Product", product, "RegisterProduct", {"name": product, "price": 1_000, "currency": CURRENCY})
            yield self._command("Product", product, "ReceiveStock", {"quantity": 3 if product == self.named(SCARCE) else STOCK})
        for customer in [*(self.customer(number) for number in range(CUSTOMERS)), self.named(POOR)]:
            yield self._command("Customer", customer, "RegisterCustomer", self._registration(customer))

    def order(self, number: int) -> "Order":
        """Return the order of this number."""
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
        """Return the kind of an order, or None if it is not of this run."""
        number = order_id.removeprefix(self.named(_ORDER))
        return None if number == order_id else KINDS.get(int(number), Kind.FULFILLED)

    def confirm(self, order_id: str) -> Json:
        """Return the command that confirms an order."""
        return self._command("Order", order_id, "ConfirmOrder", {})

    def named(self, name: str) -> str:
        """Return an id of this run."""
        return f"{self.token}.{name}"

    def product(self, number: int) -> str:
        """Return the id of a product."""
        return self.named(f"product-{number}")

    def customer(self, number: int) -> str:
        """Return the id of a customer."""
        return self.named(f"customer-{number}")

    def _registration(self, customer: str) -> dict[str, Any]:
        limit = 100 if customer == self.named(POOR) else CREDIT
        return {"name": customer, "email": f"{customer}@shop.example", "creditLimit": limit, "currency": CURRENCY}

    def _command(self, kind: str, identity: str, command: str, payload: dict[str, Any]) -> Json:
        return self.command(kind, identity, command, payload, identity)

    def command(self, kind: str, identity: str, command: str, payload: dict[str, Any], about: str) -> Json:
        """Return a command to an aggregate. `about` is the aggregate or order that makes the command's id unique."""
        named = {"commandId": f"{self.token}:{command}:{about}", "commandType": command, "aggregateId": identity, "aggregateType": kind}
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        return {**named, "timestamp": now, "metadata": {"correlationId": about}, "payload": payload}


@dataclass(frozen=True)
class Order:
    """Order of one product, which its saga fulfils or compensates."""

    shop: Shop
    kind: Kind
    identity: str
    customer: str
    product: str
    quantity: int
    price: int

    def place(self) -> Json:
        """Return the command that places the order."""
        item = {"productId": self.product, "quantity": self.quantity, "price": self.price}
        payload = {"customerId": self.customer, "items": [item], "shippingAddress": "1 Log Lane, Streamville", "currency": CURRENCY}
        return self._to("Order", self.identity, "PlaceOrder", payload)

    def ship(self) -> Json:
        """Return the command that ships the order."""
        return self._to("Order", self.identity, "ShipOrder", {"trackingNumber": f"track-{self.identity}"})

    def cancel(self) -> Json:
        """Return the command that cancels the order on behalf of its customer."""
        return self._to("Order", self.identity, "CancelOrder", {"reason": "changed my mind"})

    def restock(self) -> Json:
        """Return the command that adds one piece to the stock of its product."""
        return self._to("Product", self.product, "ReceiveStock", {"quantity": 1})

    def _to(self, kind: str, identity: str, command: str, payload: dict[str, Any]) -> Json:
        return self.shop.command(kind, identity, command, payload, self.identity)
