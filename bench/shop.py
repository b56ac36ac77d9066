"""Shop in which every order succeeds: enough stock and credit for all orders, and orders of one line."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bench.command import Command

PRODUCTS, CUSTOMERS = 100, 1_000
PRICE, STOCK, CREDIT = 1_999, 1_000_000, 10**12
CURRENCY = "EUR"


def products() -> Iterator[Command]:
    """Yield the commands that register each product and receive its stock."""
    for number in range(PRODUCTS):
        yield _command("Product", _product(number), "RegisterProduct", {"name": f"Product {number}", "price": PRICE, "currency": CURRENCY})
        yield _command("Product", _product(number), "ReceiveStock", {"quantity": STOCK})


def customers() -> Iterator[Command]:
    """Yield the commands that register each customer."""
    for number in range(CUSTOMERS):
        about = {"name": f"Customer {number}", "email": f"{number}@bench.example", "creditLimit": CREDIT, "currency": CURRENCY}
        yield _command("Customer", _customer(number), "RegisterCustomer", about)


def orders(numbers: Iterable[int]) -> Iterator[Command]:
    """Yield a PlaceOrder to each of these orders."""
    for number in numbers:
        yield order_as(f"order-{number}", number)


def order_as(key: str, number: int) -> Command:
    """Return a PlaceOrder to an order with this id. Customers and products take turns."""
    return _command("Order", key, "PlaceOrder", ordered(number))


def ordered(number: int) -> dict[str, Any]:
    """Return the payload of an order."""
    item = {"productId": _product(number % PRODUCTS), "quantity": 1, "price": PRICE}
    return {"customerId": _customer(number % CUSTOMERS), "items": [item], "shippingAddress": "1 Log Lane, Streamville", "currency": CURRENCY}


def _product(number: int) -> str:
    return f"product-{number}"


def _customer(number: int) -> str:
    return f"customer-{number}"


def _command(kind: str, identity: str, command: str, payload: dict[str, Any]) -> Command:
    named = {"commandId": f"{command}-{identity}", "commandType": command, "aggregateId": identity, "aggregateType": kind}
    return identity.encode(), msgspec.json.encode({**named, "timestamp": "2026-11-23T06:17:12.123Z", "metadata": {}, "payload": payload})
