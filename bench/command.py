"""Commands for every engine: PlaceOrder of 689 bytes, each to an order of its own, and ConfirmOrder to existing orders."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

SIZE = 689
"""Size of a PlaceOrder in bytes."""

Command = tuple[bytes, bytes]
"""Key and value of a command."""

_ID = "i" * 36
_KEY = "k" * 36
"""Placeholder in a template for the key, as `_ID` is for the command's id. Both have 36 characters."""


def place(numbers: Iterable[int]) -> Iterator[Command]:
    """Yield a PlaceOrder to each of these orders."""
    for number in numbers:
        yield place_as(order_id(number), number)


def place_as(key: str, number: int) -> Command:
    """Return a PlaceOrder to an order with this id (36 characters)."""
    return _made("PlaceOrder", key, f"{number:08d}-0cdd-e2de-f574-42fb3160cfc7")


def confirm(numbers: Iterable[int]) -> Iterator[Command]:
    """Yield a ConfirmOrder to each of these orders."""
    for number in numbers:
        yield _made("ConfirmOrder", order_id(number), f"{number:08d}-0cdd-e2de-f574-c0ff1b160cfc")


def order_id(number: int) -> str:
    """Return the id of an order."""
    return f"{number:08d}-4abc-8def-9012-aggregate{number % 997:03d}"


def _made(kind: str, key: str, command_id: str) -> Command:
    before, between, behind = _template(kind)
    return key.encode(), f"{before}{command_id}{between}{key}{behind}".encode()


@cache
def _template(kind: str) -> tuple[str, str, str]:
    """Return a command's text before its id, between its id and the aggregate's, and after that."""
    payload = {"PlaceOrder": _padded, "ConfirmOrder": dict}[kind]()
    before, _, rest = _text(kind, payload).partition(_ID)
    between, _, behind = rest.partition(_KEY)
    return before, between, behind


def _padded() -> dict[str, Any]:
    payload: dict[str, Any] = {
        "customerId": "cust-000123",
        "items": [{"productId": f"SKU-{line:05d}", "quantity": line + 1, "price": 1999 + line} for line in range(3)],
        "shippingAddress": "",
        "currency": "EUR",
    }
    return {**payload, "shippingAddress": "x" * (SIZE - len(_text("PlaceOrder", payload)))}


def _text(kind: str, payload: dict[str, Any]) -> str:
    command = {
        "commandId": _ID,
        "commandType": kind,
        "aggregateId": _KEY,
        "aggregateType": "Order",
        "timestamp": "2026-11-23T06:17:12.123Z",
        "metadata": {"correlationId": "6c89b767-4ccc-4f16-b049-88fb58f3b6ee", "causationId": "7fe469bb-10ec-469f-b0f7-32c3f486362b", "userId": "user-1234"},
        "payload": payload,
    }
    return json.dumps(command, separators=(",", ":"))
