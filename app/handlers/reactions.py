"""Who acts on the events of an aggregate in the very transaction that writes them: sagas and policies."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from app.eventsourcing.saga import OutgoingCommand
from app.handlers.aggregate_repository import Snapshot
from app.handlers.commands import JSON, Causation, trace
from app.handlers.outbox import Cause
from app.settings import Settings
from app.streams.kafka.transactions import Headers
from app.streams.processing.context import Keyed, emit
from app.topics import command_topic
from schemas.envelopes import Event
from schemas.fast_envelope import Envelope, Metadata, ReplyTo


class EmittedEvents(NamedTuple):
    """What a command caused, or what a saga heard."""

    cause: Cause
    before: Snapshot[Any]
    """The aggregate before the events."""
    events: Sequence[Event]
    event_ids: Sequence[str]


class Reaction(Protocol):
    """Whoever has to act on the events of an aggregate in the very transaction that writes them."""

    def follow(self, followed: EmittedEvents) -> None:
        """The events are written, and the aggregate is where they left it."""


_encode = msgspec.json.Encoder().encode
origin = msgspec.json.Decoder(Causation).decode
"""The metadata of a cause."""


class Trigger(NamedTuple):
    """A cause that is no command."""

    aggregate_id: str
    metadata: bytes
    headers: Headers
    at: str
    record: Keyed


def heard(aggregate_id: str, caused: Causation, at: str, record: Keyed, headers: Headers) -> Trigger:
    """What events follow from that are not answers to a command; `headers` may have a trace."""
    return Trigger(aggregate_id, _encode(caused), common(caused, headers), at, record)


def send(settings: Settings, asks: Iterable[OutgoingCommand], caused: Causation, cause: Cause, reply_to: ReplyTo | None = None) -> None:
    """Write commands; `caused` is the metadata of each, `cause` what led to them."""
    for ask in asks:
        envelope = Envelope(
            command_id=ask.command_id,
            command_type=ask.command_type,
            aggregate_id=ask.aggregate_id,
            aggregate_type=ask.aggregate_type,
            timestamp=cause.at,
            metadata=Metadata(caused.correlation_id, caused.causation_id, None, caused.trace_id, reply_to),
            payload=ask.payload,
        )
        headers = [("command-type", ask.command_type.encode()), *common(caused, cause.headers)]
        emit(command_topic(settings, ask.aggregate_type), ask.aggregate_id.encode(), _encode(envelope), headers)


def common(caused: Causation, headers: Headers) -> Headers:
    """The headers of everything that has this metadata; the trace is that among `headers`."""
    return [("correlation-id", caused.correlation_id.encode()), JSON, *trace(headers)]
