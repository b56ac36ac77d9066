"""Who acts on the events of an aggregate in the very transaction that writes them: sagas and policies."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from app.handlers.aggregate_repository import Snapshot
from app.handlers.outbox import Cause
from schemas.envelopes import Event


class Followed(NamedTuple):
    """What a command caused, or what a saga heard."""

    cause: Cause
    before: Snapshot[Any]
    """The aggregate before the events."""
    events: Sequence[Event]
    event_ids: Sequence[str]


class Follower(Protocol):
    """Whoever has to act on the events of an aggregate in the very transaction that writes them."""

    def follow(self, followed: Followed) -> None:
        """The events are written, and the aggregate is where they left it."""
