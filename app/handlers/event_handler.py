"""From a record to an event, and from that to the rows of a read model: each version once and in order (contract, section 2)."""

from typing import Any, Protocol, TypeVar

from aiokafka import ConsumerRecord

from app.eventsourcing.recorded_event import RecordedEvent, Versioned, recorded
from app.streams.errors import UnreadableLog
from app.streams.parking.record import Park
from app.streams.topology import ReadModel
from schemas.upcasters import NewerSchema

Row = TypeVar("Row", bound=Versioned)


class Projection(ReadModel, Protocol[Row]):
    """A read model whose rows carry the version of the aggregate that they reflect."""

    def before(self, event: RecordedEvent) -> Row | None:
        """The row to which an event belongs; None when there is none."""

    def apply(self, before: Row | None, event: RecordedEvent, value: bytes) -> None:
        """Fold an event, given with the row before it and the value of its record, into the rows."""


class JoinedModel(Projection[Row], Protocol[Row]):
    """A read model that is also told something by views of other partitions."""

    feeds: tuple[str, ...]
    """The topics by which it is told, their names on the broker."""

    def told(self, value: bytes) -> None:
        """Take over what a record of a feed says; it may have come before, and later ones too."""


class EventHandler:
    """Folds one event at a time; the view task calls it."""

    def __init__(self, model: Projection[Any]) -> None:
        self.agent = model.agent
        self._model = model

    def __call__(self, record: ConsumerRecord) -> None:
        """Fold an event; one that is in the rows already is skipped. Park when one before it is missing; UnreadableLog when only newer code can read it."""
        event = _event(record)
        before = self._model.before(event)
        reached = before.version if before is not None else 0
        if event.version > reached + 1:
            raise Park("out-of-order", f"version {event.version} of {event.aggregate_type} {event.aggregate_id} follows version {reached}")
        if event.version > reached:
            self._model.apply(before, event, record.value)

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Nobody waits for what becomes of an event."""


class FeedJoinHandler(EventHandler):
    """Folds events, and takes over what the read model is told."""

    def __init__(self, model: JoinedModel[Any]) -> None:
        super().__init__(model)
        self._joined = model

    def __call__(self, record: ConsumerRecord) -> None:
        """As Events does; a record of a feed is in no order and has no version of an aggregate of this partition."""
        if record.topic in self._joined.feeds:
            self._joined.told(record.value or b"")
        else:
            super().__call__(record)


def _event(record: ConsumerRecord) -> RecordedEvent:
    try:
        return recorded(record.value or b"")
    except NewerSchema as error:
        raise UnreadableLog(f"{record.topic} [{record.partition}] {record.offset}: {error}") from error
