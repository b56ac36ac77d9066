"""The commands that every engine is given: PlaceOrder, 689 bytes, each to an order of its own."""

import json
from collections.abc import Iterator

SIZE = 689


def commands(count: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each command."""
    for number in range(count):
        key = f"{number:08d}-4abc-8def-9012-aggregate{number % 997:03d}"
        yield key.encode(), _value(key, number)


def _value(key: str, number: int) -> bytes:
    value = {
        "commandId": f"{number:08d}-0cdd-e2de-f574-42fb3160cfc7",
        "commandType": "PlaceOrder",
        "aggregateId": key,
        "aggregateType": "Order",
        "timestamp": "2026-11-23T06:17:12.123Z",
        "metadata": {"correlationId": "6c89b767-4ccc-4f16-b049-88fb58f3b6ee", "causationId": "7fe469bb-10ec-469f-b0f7-32c3f486362b", "userId": "user-1234"},
        "payload": {
            "customerId": "cust-000123",
            "items": [{"productId": f"SKU-{line:05d}", "quantity": line + 1, "price": 1999 + line} for line in range(3)],
            "shippingAddress": "",
            "currency": "EUR",
        },
    }
    short = len(json.dumps(value, separators=(",", ":")))
    value["payload"]["shippingAddress"] = "x" * (SIZE - short)  # type: ignore[index]  # the payload is a dict
    return json.dumps(value, separators=(",", ":")).encode()
