"""Event handlers: they project each version of an aggregate into a read model, once and in order (contract, section 2)."""

from typing import Any, Protocol, TypeVar

from aiokafka import ConsumerRecord

from app.eventsourcing.recorded_event import RecordedEvent, Versioned, recorded
from app.streams.errors import UnreadableLog
from app.streams.parking.record import Park
from app.streams.topology import ReadModel
from schemas.upcasters import NewerSchema

Row = TypeVar("Row", bound=Versioned)


class Projection(ReadModel, Protocol[Row]):
    """Read model whose rows carry the version of the aggregate that they reflect."""

    def before(self, event: RecordedEvent) -> Row | None:
        """Return the row to which an event belongs; None when there is none."""

    def apply(self, before: Row | None, event: RecordedEvent, value: bytes) -> None:
        """Project an event into the rows. `before` is the row before it, `value` the value of its record."""


class JoinedModel(Projection[Row], Protocol[Row]):
    """Read model that also reads feeds, which view tasks of other partitions write."""

    feeds: tuple[str, ...]
    """Feed topics that it reads, by their names on the broker."""

    def told(self, value: bytes) -> None:
        """Apply a record of a feed. The record may have come before, and later ones, too."""


class EventHandler:
    """Handler of events for one read model. The view task calls it once for each event."""

    def __init__(self, model: Projection[Any]) -> None:
        self.agent = model.agent
        self._model = model

    def __call__(self, record: ConsumerRecord) -> None:
        """Project an event; skip it if the rows reflect it already.

        Raises Park when one before it is missing, UnreadableLog when only newer code can read it.
        """
        event = _event(record)
        before = self._model.before(event)
        reached = before.version if before is not None else 0
        if event.version > reached + 1:
            raise Park("out-of-order", f"version {event.version} of {event.aggregate_type} {event.aggregate_id} follows version {reached}")
        if event.version > reached:
            self._model.apply(before, event, record.value)

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Do nothing: no sender waits for the result of an event."""


class FeedJoinHandler(EventHandler):
    """Handler of events and of feed records for one read model."""

    def __init__(self, model: JoinedModel[Any]) -> None:
        super().__init__(model)
        self._joined = model

    def __call__(self, record: ConsumerRecord) -> None:
        """Project an event, or apply a record of a feed. Such a record is in no order, and has no version of an aggregate of this partition."""
        if record.topic in self._joined.feeds:
            self._joined.told(record.value or b"")
        else:
            super().__call__(record)


def _event(record: ConsumerRecord) -> RecordedEvent:
    try:
        return recorded(record.value or b"")
    except NewerSchema as error:
        raise UnreadableLog(f"{record.topic} [{record.partition}] {record.offset}: {error}") from error
