"""Shipping policy. Its commands are sent in the transaction of OrderShipped itself."""

from agents import order
from app.domain.registry import SHIPPING
from app.domain.shipping import policy
from app.handlers.commands import Causation
from app.handlers.reactions import EmittedEvents, origin, send
from app.settings import Settings
from app.streams.app import app


class ShipReservedStock:
    """Reaction to orders: ships their reserved stock."""

    name = SHIPPING.name

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def follow(self, followed: EmittedEvents) -> None:
        """Send the commands that ship the reserved stock of an order together with the order."""
        cause, origins = followed.cause, origin(followed.cause.metadata)
        for event, identity in zip(followed.events, followed.event_ids, strict=True):
            asks = policy(cause.aggregate_id, followed.before.state, event, identity)
            send(self._settings, asks, Causation(origins.correlation_id, identity, None, origins.trace_id), cause)


shipping = ShipReservedStock(app.side.settings)
order.answer.followers.append(shipping)
