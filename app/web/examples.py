"""Examples of request and response bodies for OpenAPI, one for each model."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from schemas.answers import Alive, CommandAnswer, CustomerAnswer, OrderAnswer, ProductAnswer, Ready, SagaAnswer, Unanswered
from schemas.customer import ChangeCreditLimit, ChangeCustomer
from schemas.operator_answers import ParkedPage, SettledAnswer, TableAnswer, TableRowsPage
from schemas.requests import ActOnSaga, CancelOrder, Discard, PostCustomer, PostOrder, PostProduct, Rebuild, ReceiveStock, ShipOrder
from schemas.view_answers import CustomerAccount, EventsAnswer, EventsPage, OrdersPage, OrderSummary, ProductStock, SagasPage, SagaStatus

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

SUMMARY = {
    "orderId": "o-1",
    "customerId": "ada",
    "customerName": "Ada",
    "customerEmail": "ada@example.org",
    "orderDate": "2026-11-24T06:00:00.000Z",
    "status": "SHIPPED",
    "totalAmount": 1950,
    "currency": "EUR",
    "itemCount": 1,
    "version": 3,
    "lastUpdated": "2026-11-24T06:00:01.000Z",
}

SAGA = {
    "orderId": "o-1",
    "status": "FAILED",
    "definition": 1,
    "startedAt": "2026-11-24T06:00:00.000Z",
    "deadlineAt": "2026-11-24T06:05:00.000Z",
    "reason": "payment: insufficient-credit",
    "steps": [
        {"step": "order", "productId": None, "state": "UNDONE", "at": "2026-11-24T06:00:01.000Z", "reason": None},
        {"step": "payment", "productId": None, "state": "FAILED", "at": "2026-11-24T06:00:00.500Z", "reason": "insufficient-credit: 10 of the credit are left"},
        {"step": "reservation", "productId": "book", "state": "PENDING", "at": "2026-11-24T06:00:00.000Z", "reason": None},
        {"step": "confirmation", "productId": None, "state": "PENDING", "at": "2026-11-24T06:00:00.000Z", "reason": None},
    ],
    "version": 6,
    "lastUpdated": "2026-11-24T06:00:01.000Z",
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
    ActOnSaga: {"action": "RetryStep", "userId": "grace", "reason": "the limit was raised", "step": "payment"},
    OrderAnswer: {"orderId": "o-1", "version": 1, "status": "PLACED"},
    SagaAnswer: {"orderId": "o-1", "version": 5},
    ProductAnswer: {"productId": "book", "version": 1},
    CustomerAnswer: {"customerId": "ada", "version": 1},
    OrderSummary: SUMMARY,
    OrdersPage: {"items": [SUMMARY], "next": None},
    SagaStatus: SAGA,
    SagasPage: {"items": [SAGA], "next": None},
    ProductStock: {
        "productId": "book",
        "name": "A book",
        "price": 1950,
        "currency": "EUR",
        "onHand": 10,
        "reserved": 1,
        "available": 9,
        "shipped": 0,
        "version": 3,
        "lastUpdated": "2026-11-24T06:00:00.000Z",
    },
    CustomerAccount: {
        "customerId": "ada",
        "name": "Ada",
        "email": "ada@example.org",
        "currency": "EUR",
        "creditLimit": 50000,
        "creditUsed": 1950,
        "version": 2,
        "lastUpdated": "2026-11-24T06:00:00.000Z",
    },
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
        "last": {"rebuildId": "monday", "generation": 2, "same": True, "parked": 0},
    },
    TableRowsPage: {
        "positions": {"events.order": 123},
        "items": [{"table": "history-version", "key": "Order/o-1", "row": 3}],
        "next": "WyJoaXN0b3J5LXZlcnNpb24iLCJPcmRlci9vLTEiXQ",
    },
    EventsAnswer: {"items": [EVENT]},
    EventsPage: {"items": [EVENT], "next": "b3JkZXI6MTIz"},
    Alive: {"status": "alive"},
    Ready: {"status": "ready"},
}
