"""Mixture of commands to all aggregate types, some of them repeated. One seed gives one mixture."""

import random
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from app.client.results import Json

CUSTOMERS, PRODUCTS = 60, 40
REPEATED = 0.03
"""Share of commands that are repeated, soon after the first time."""

_SENT = "2026-01-01T00:00:00.000Z"


def traffic(count: int, seed: int = 1) -> list[Json]:
    """Return `count` commands in the order in which they are to be sent, repeated ones included."""
    return list(islice(endless(seed), count))


def endless(seed: int) -> Iterator[Json]:
    """Yield endless commands in the order in which they are to be sent, repeated ones included."""
    luck = random.Random(seed)  # noqa: S311 (the same each time is what is wanted)
    fresh, recent = _fresh(luck), deque[Json](maxlen=100)
    while True:
        again = recent and luck.random() < REPEATED
        recent.append(luck.choice(recent) if again else next(fresh))
        yield recent[-1]


def order(name: str, lines: int = 1) -> Json:
    """Return a PlaceOrder command. Many lines make a large event."""
    item = {"productId": "p-1", "quantity": 1, "price": 5}
    payload = {"customerId": "c-1", "items": [item] * lines, "shippingAddress": "Here 1", "currency": "EUR"}
    named = {"commandId": f"place-{name}", "commandType": "PlaceOrder", "aggregateId": name, "aggregateType": "Order"}
    return {**named, "timestamp": _SENT, "metadata": {}, "payload": payload}


def identities(commands: Iterable[Json]) -> set[tuple[str, str]]:
    """Return aggregate id and command id of each different command."""
    return {(command["aggregateId"], command["commandId"]) for command in commands}


def _fresh(luck: random.Random) -> Iterator[Json]:
    stories = _stories(luck)
    for number, (aggregate_type, aggregate_id, command_type, payload) in enumerate(stories):
        yield {
            "commandId": f"command-{number}",
            "commandType": command_type,
            "aggregateId": aggregate_id,
            "aggregateType": aggregate_type,
            "timestamp": _SENT,
            "metadata": {},
            "payload": payload,
        }


_Step = tuple[str, str, str, dict[str, Any]]


def _stories(luck: random.Random) -> Iterator[_Step]:
    """Yield commands that register everything, then the commands of order after order."""
    for number in range(CUSTOMERS):
        yield "Customer", f"customer-{number}", "RegisterCustomer", {"name": "Ada", "email": "a@example.org", "creditLimit": 50_000, "currency": "EUR"}
    for number in range(PRODUCTS):
        yield "Product", f"product-{number}", "RegisterProduct", {"name": "A thing", "price": 500, "currency": "EUR"}
    number = 0
    while True:
        number += 1
        yield from _order(luck, f"order-{number}", f"customer-{luck.randrange(CUSTOMERS)}", f"product-{luck.randrange(PRODUCTS)}")


def _order(luck: random.Random, order_id: str, customer_id: str, product_id: str) -> Iterator[_Step]:
    """Yield the commands of one order. Stock and credit run out now and then."""
    quantity = luck.randint(1, 9)
    items = [{"productId": product_id, "quantity": quantity, "price": 500}]
    yield "Order", order_id, "PlaceOrder", {"customerId": customer_id, "items": items, "shippingAddress": "Here 1", "currency": "EUR"}
    yield "Product", product_id, "ReceiveStock", {"quantity": luck.randint(1, 9)}
    yield "Product", product_id, "ReserveInventory", {"orderId": order_id, "quantity": quantity}
    yield "Customer", customer_id, "ProcessPayment", {"orderId": order_id, "amount": quantity * 500, "currency": "EUR"}
    yield "Order", order_id, "ConfirmOrder", {}
    yield from _end(luck, order_id, customer_id, product_id)


def _end(luck: random.Random, order_id: str, customer_id: str, product_id: str) -> Iterator[_Step]:
    if luck.random() < 0.5:
        yield "Order", order_id, "ShipOrder", {"trackingNumber": "track-1"}
        yield "Product", product_id, "ShipInventory", {"orderId": order_id}
    else:
        yield "Order", order_id, "CancelOrder", {"reason": "changed my mind"}
        yield "Product", product_id, "ReleaseInventory", {"orderId": order_id}
        yield "Customer", customer_id, "RefundPayment", {"orderId": order_id}
