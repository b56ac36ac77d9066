"""Random histories of small shops: commands of clients and operators, legal or refused. One seed gives one history."""

import random
from collections.abc import Iterator
from typing import Any

from app.client.results import Json
from app.eventsourcing.decide import WINDOW
from tests.support.workers.shop import SENT

AGAIN, OTHER_BODY = 0.08, 0.02
"""Shares of commands that are repeated, and of those repeated with another body under their id."""

NEVER_VALID, CONDITIONAL = 0.03, 0.05
"""Shares of commands that no decider accepts, and of those that expect a version."""

BEYOND_WINDOW = 0.04
"""Share of shops that repeat an id once the dedup window has forgotten it, or is about to."""

MONEY = (0, 1, 5, 5, 5, 500, 10**12)
PIECES = (1, 1, 2, 3, 10**6)
CURRENCIES = ("EUR", "EUR", "KRW")
LIMITS = (0, 10, 1_000, 1_000, 10**12)
LARGE_LINES = 19
"""Number of lines with which an order's total exceeds 64 bits, if each has the highest price and quantity."""


class Shop:
    """One history: a few customers, products and orders, and the commands to them."""

    def __init__(self, name: str, seed: int) -> None:
        self._luck = random.Random(seed)  # noqa: S311 (each run with one seed must be the same)
        self._name = name
        self._sent: list[Json] = []
        self.orders = [f"{name}.o-{number}" for number in range(self._luck.randint(1, 3))]
        self._customers = [f"{name}.c-{number}" for number in range(self._luck.randint(1, 2))]
        self._products = [f"{name}.p-{number}" for number in range(self._luck.randint(1, 3))]
        self._late = self._luck.random() < BEYOND_WINDOW

    def opening(self) -> Iterator[Json]:
        """Yield the commands that register most customers and products, and place most orders."""
        for customer in self._customers:
            if self._luck.random() < 0.9:
                yield self._new("Customer", customer, "RegisterCustomer")
        for product in self._products:
            if self._luck.random() < 0.9:
                yield self._new("Product", product, "RegisterProduct")
                yield self._new("Product", product, "ReceiveStock")
        for order in self.orders:
            if self._luck.random() < 0.9:
                yield self._new("Order", order, "PlaceOrder")

    def round(self) -> Iterator[Json]:
        """Yield the commands of one round."""
        for _ in range(self._luck.randint(3, 12)):
            yield self._repeated() if self._sent and self._luck.random() < AGAIN else self._any()
        if self._late:
            self._late = False
            yield from self._beyond_the_window()

    def _any(self) -> Json:
        kind = self._luck.choice(list(COMMANDS))
        names = {"Order": self.orders, "Saga": self.orders, "Customer": self._customers, "Product": self._products}[kind]
        return self._new(kind, self._luck.choice(names), self._luck.choice(COMMANDS[kind]))

    def _repeated(self) -> Json:
        """Return an earlier command. Sometimes its body differs, which changes nothing, or its order does, which makes it another command."""
        command = self._luck.choice(self._sent)
        if self._luck.random() < OTHER_BODY / AGAIN:
            return {**command, "payload": self._payload(command["commandType"])}
        return command

    def _beyond_the_window(self) -> Iterator[Json]:
        product = self._luck.choice(self._products)
        first = self._new("Product", product, "ReceiveStock")
        yield first
        for _ in range(self._luck.randint(WINDOW - 2, WINDOW + 2)):
            yield self._new("Product", product, self._luck.choice(("ReceiveStock", "RegisterProduct")))
        yield first

    def _new(self, kind: str, aggregate: str, command_type: str) -> Json:
        named = {"commandId": f"{self._name}:{len(self._sent)}", "commandType": command_type, "aggregateId": aggregate, "aggregateType": kind}
        about: dict[str, Any] = {"timestamp": SENT, "metadata": {"userId": "someone"} if kind == "Saga" else {}}
        if self._luck.random() < CONDITIONAL:
            about["expectedVersion"] = self._luck.randint(0, 3)
        command = {**named, **about, "payload": {} if self._luck.random() < NEVER_VALID else self._payload(command_type)}
        self._sent.append(command)
        return command

    def _payload(self, command_type: str) -> dict[str, Any]:
        """Return a payload for a command of this type."""
        luck, order, reason = self._luck, {"orderId": self._luck.choice(self.orders)}, {"reason": "a reason"}
        step = luck.choice(("order", "payment", "reservation", "confirmation"))
        product = {"productId": luck.choice(self._products)} if step == "reservation" else {}
        known = {"name": "Ada", "email": "a@example.org", "creditLimit": luck.choice(LIMITS), "currency": luck.choice(CURRENCIES)}
        return {
            "PlaceOrder": self._ordered(),
            "ConfirmOrder": {},
            "ShipOrder": {},
            "CancelOrder": reason,
            "RegisterProduct": {"name": "A thing", "price": luck.choice(MONEY), "currency": "EUR"},
            "ReceiveStock": {"quantity": luck.choice(PIECES)},
            "ReserveInventory": {**order, "quantity": luck.choice(PIECES)},
            "ReleaseInventory": order,
            "ShipInventory": order,
            "RegisterCustomer": known,
            "ChangeCustomer": {"name": luck.choice(("Bea", "Cid"))},
            "ChangeCreditLimit": {"creditLimit": luck.choice(LIMITS)},
            "ProcessPayment": {**order, "amount": luck.choice(MONEY), "currency": "EUR"},
            "RefundPayment": order,
            "RetryStep": {"step": step, **product, **reason},
            "SkipStep": {"step": step, **product, **reason},
            "ForceCompensate": reason,
            "CompleteSaga": reason,
            "ExtendDeadline": {"seconds": luck.choice((1, 10_000)), **reason},
        }[command_type]

    def _ordered(self) -> dict[str, Any]:
        luck = self._luck
        large = luck.random() < 0.1
        lines = LARGE_LINES if large else luck.randint(1, 3)
        quantity, price = (10**6, 10**12) if large else (luck.choice(PIECES[:4]), luck.choice(MONEY[:6]))
        items = [{"productId": luck.choice(self._products), "quantity": quantity, "price": price} for _ in range(lines)]
        return {"customerId": luck.choice(self._customers), "items": items, "shippingAddress": "Here 1", "currency": luck.choice(CURRENCIES)}


COMMANDS = {
    "Order": ("PlaceOrder", "ConfirmOrder", "ShipOrder", "CancelOrder", "CancelOrder"),
    "Product": ("RegisterProduct", "ReceiveStock", "ReceiveStock", "ReserveInventory", "ReleaseInventory", "ShipInventory"),
    "Customer": ("RegisterCustomer", "ChangeCustomer", "ChangeCreditLimit", "ProcessPayment", "RefundPayment"),
    "Saga": ("RetryStep", "SkipStep", "ForceCompensate", "CompleteSaga", "ExtendDeadline"),
}
