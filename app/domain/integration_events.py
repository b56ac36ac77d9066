"""What each domain event means to the outside; one that nobody has thought about cannot leave."""

from collections.abc import Iterable
from typing import NamedTuple

from app.eventsourcing.decider import Decider
from schemas import integration
from schemas.envelopes import Message


class IntegrationEvent(NamedTuple):
    """The integration event as CloudEvents type and schema, and the status that notifications tell."""

    ce_type: str
    schema: type[Message]
    status: str


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
"""By event type; None: it is told to nobody."""


class Unmapped(LookupError):  # noqa: N818 (what it is)
    """A domain event about which nothing is said here."""


def check_mapped(deciders: Iterable[Decider]) -> None:
    """Raise Unmapped at start-up, rather than at the first such event."""
    missing = sorted({name for decider in deciders for name in decider.events} - INTEGRATION_EVENTS.keys())
    if missing:
        raise Unmapped(f"no mapping to the outside for {', '.join(missing)}: add a line to app/domain/integration_events.py, also if it is None")
