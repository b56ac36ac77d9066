"""Integration events: what other services are sent of a domain event."""

from collections.abc import Mapping
from typing import NamedTuple

from schemas.envelopes import Message


class IntegrationEvent(NamedTuple):
    """Integration event: its CloudEvents type, its schema, and the status in notifications."""

    ce_type: str
    schema: type[Message]
    status: str


class Publication(NamedTuple):
    """How the events of an aggregate type are published: the same source, key and notification type for all of them."""

    events: Mapping[str, IntegrationEvent | None]
    """By domain event type. None: the event is not published."""
    source: bytes
    """CloudEvents `source`."""
    key_field: str
    """Field that holds the record's key."""
    notification_type: str
