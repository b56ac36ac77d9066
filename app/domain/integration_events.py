"""Integration events: which events of the shop are published, and as what."""

from app.eventsourcing.integration_event import IntegrationEvent, Publication
from schemas import integration

ORDERS = Publication(
    events={
        "OrderPlaced": IntegrationEvent("foldstream.order.placed.v1", integration.OrderPlaced, "PLACED"),
        "OrderConfirmed": IntegrationEvent("foldstream.order.confirmed.v1", integration.OrderConfirmed, "CONFIRMED"),
        "OrderShipped": IntegrationEvent("foldstream.order.shipped.v1", integration.OrderShipped, "SHIPPED"),
        "OrderCancelled": IntegrationEvent("foldstream.order.cancelled.v1", integration.OrderCancelled, "CANCELLED"),
    },
    source=b"/foldstream/order",
    key_field="orderId",
    notification_type="OrderStatusChanged",
)
"""Publication of orders. Products, customers and sagas are published to no other service."""
