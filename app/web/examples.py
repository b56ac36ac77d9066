"""One example of each body, for OpenAPI: by its model, and it fits that."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from schemas.answers import (
    Alive,
    CommandAnswer,
    CustomerAnswer,
    EventsAnswer,
    EventsPage,
    OrderAnswer,
    ParkedPage,
    ProductAnswer,
    Ready,
    SettledAnswer,
    TableAnswer,
    Unanswered,
)
from schemas.customer import ChangeCreditLimit, ChangeCustomer
from schemas.http import CancelOrder, Discard, PostCustomer, PostOrder, PostProduct, Rebuild, ReceiveStock, ShipOrder

EVENT = {
    "eventId": "0b7e6dd2c8f1a94c5f3f1d0a6a2b9e47",
    "eventType": "OrderShipped",
    "aggregateId": "o-1",
    "aggregateType": "Order",
    "version": 3,
    "schemaVersion": 1,
    "timestamp": "2026-11-24T06:00:00.000Z",
    "metadata": {"correlationId": "checkout-1", "causationId": "checkout-1"},
    "payload": {"trackingNumber": "track-1"},
}

EXAMPLES: Mapping[type[BaseModel], dict[str, Any]] = {
    PostOrder: {"customerId": "ada", "items": [{"productId": "book", "quantity": 1, "price": 1950}], "shippingAddress": "1 Log Lane", "currency": "EUR"},
    ShipOrder: {"trackingNumber": "track-1"},
    CancelOrder: {"reason": "changed my mind"},
    PostProduct: {"productId": "book", "name": "A book", "price": 1950, "currency": "EUR"},
    ReceiveStock: {"quantity": 10},
    PostCustomer: {"customerId": "ada", "name": "Ada", "email": "ada@example.org", "creditLimit": 50000, "currency": "EUR"},
    ChangeCustomer: {"email": "ada@example.net"},
    ChangeCreditLimit: {"creditLimit": 60000},
    OrderAnswer: {"orderId": "o-1", "version": 1, "status": "PLACED"},
    ProductAnswer: {"productId": "book", "version": 1},
    CustomerAnswer: {"customerId": "ada", "version": 1},
    Unanswered: {"commandId": "checkout-1"},
    CommandAnswer: {
        "commandId": "checkout-1",
        "commandType": "PlaceOrder",
        "aggregateId": "o-1",
        "aggregateType": "Order",
        "outcome": "accepted",
        "version": 1,
        "eventIds": ["0b7e6dd2c8f1a94c5f3f1d0a6a2b9e47"],
    },
    Discard: {"reason": "a test order"},
    ParkedPage: {
        "items": [
            {
                "topic": "commands.order",
                "partition": 2,
                "offset": 41,
                "key": "o-1",
                "reason": "unknown-type",
                "error": "commandType 'Mislay' is none of PlaceOrder, ConfirmOrder, ShipOrder, CancelOrder",
                "agent": "order",
                "head": True,
                "timestamp": "2026-11-24T06:00:00.000Z",
                "parkedAt": "2026-11-24T06:00:00.050Z",
                "value": '{"commandType": "Mislay"}',
            }
        ],
        "next": None,
    },
    SettledAnswer: {"topic": "commands.order", "partition": 2, "offset": 41, "outcome": "released"},
    Rebuild: {"rebuildId": "monday"},
    TableAnswer: {
        "table": "history",
        "partition": 2,
        "shown": True,
        "generation": 2,
        "kept": 1,
        "status": "idle",
        "rebuildId": None,
        "done": 1200,
        "total": 1200,
        "fault": None,
        "last": {"rebuildId": "monday", "generation": 2, "same": True},
    },
    EventsAnswer: {"items": [EVENT]},
    EventsPage: {"items": [EVENT], "next": "b3JkZXI6MTIz"},
    Alive: {"status": "alive"},
    Ready: {"status": "ready"},
}
