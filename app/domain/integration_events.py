"""Mapping of domain events to integration events. An event type without an entry stops the start, so that none is published by accident."""

from collections.abc import Iterable

from app.eventsourcing.decider import Decider
from app.eventsourcing.integration_event import IntegrationEvent, Publication
from schemas import integration

INTEGRATION_EVENTS: dict[str, IntegrationEvent | None] = {
    "OrderPlaced": IntegrationEvent("foldstream.order.placed.v1", integration.OrderPlaced, "PLACED"),
    "OrderConfirmed": IntegrationEvent("foldstream.order.confirmed.v1", integration.OrderConfirmed, "CONFIRMED"),
    "OrderShipped": IntegrationEvent("foldstream.order.shipped.v1", integration.OrderShipped, "SHIPPED"),
    "OrderCancelled": IntegrationEvent("foldstream.order.cancelled.v1", integration.OrderCancelled, "CANCELLED"),
    "SagaStarted": None,
    "SagaStepCompleted": None,
    "SagaStepFailed": None,
    "SagaStepRetried": None,
    "SagaStepSkipped": None,
    "SagaTimedOut": None,
    "SagaDeadlineExtended": None,
    "SagaOrderShipped": None,
    "SagaCompensationStarted": None,
    "SagaStepCompensated": None,
    "SagaCompleted": None,
    "SagaFailed": None,
    "SagaNeedsIntervention": None,
    "ProductRegistered": None,
    "StockReceived": None,
    "InventoryReserved": None,
    "InventoryReleased": None,
    "InventoryShipped": None,
    "CustomerRegistered": None,
    "CustomerChanged": None,
    "CreditLimitChanged": None,
    "PaymentProcessed": None,
    "PaymentRefunded": None,
}
"""Integration events by domain event type. None: the event is not published."""

PUBLICATION = Publication(INTEGRATION_EVENTS, b"/foldstream/order", "orderId", "OrderStatusChanged")
"""How the shop's events are published."""


class Unmapped(LookupError):  # noqa: N818 (what it is)
    """Error: a domain event has no entry in INTEGRATION_EVENTS."""


def check_mapped(deciders: Iterable[Decider]) -> None:
    """Raise Unmapped if an event type has no entry. Called at start-up, so that it does not fail at the first such event."""
    missing = sorted({name for decider in deciders for name in decider.events} - INTEGRATION_EVENTS.keys())
    if missing:
        raise Unmapped(f"no mapping to the outside for {', '.join(missing)}: add a line to app/domain/integration_events.py, also if it is None")
