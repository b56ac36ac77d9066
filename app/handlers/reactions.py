"""Reactions to the events of an aggregate, in the transaction that writes them. Sagas and policies react."""

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
from schemas.envelopes import Event
from schemas.fast_envelope import Envelope, Metadata, ReplyTo


class EmittedEvents(NamedTuple):
    """Events that a command or an input of a saga caused."""

    cause: Cause
    before: Snapshot[Any]
    """Aggregate before the events."""
    events: Sequence[Event]
    event_ids: Sequence[str]


class Reaction(Protocol):
    """Reaction to events, in the transaction that writes them. Sagas and policies implement it."""

    @property
    def name(self) -> str:
        """Name of the saga or policy, as in the registry."""

    def follow(self, followed: EmittedEvents) -> None:
        """React to events that are written already. The aggregate is in the state after them."""


_encode = msgspec.json.Encoder().encode
origin = msgspec.json.Decoder(Causation).decode
"""Decoder of the metadata of a cause."""


class Trigger(NamedTuple):
    """A cause that is no command."""

    aggregate_id: str
    metadata: bytes
    headers: Headers
    at: str
    record: Keyed


def heard(aggregate_id: str, caused: Causation, at: str, record: Keyed, headers: Headers) -> Trigger:
    """Build the cause of events that do not answer a command. `headers` may have a trace."""
    return Trigger(aggregate_id, _encode(caused), common(caused, headers), at, record)


def send(settings: Settings, asks: Iterable[OutgoingCommand], caused: Causation, cause: Cause, reply_to: ReplyTo | None = None) -> None:
    """Write commands. `caused` is the metadata of each, `cause` their common cause."""
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
        emit(command_topic(settings, ask), ask.aggregate_id.encode(), _encode(envelope), headers)


def command_topic(settings: Settings, ask: OutgoingCommand) -> str:
    """Return the topic of a command that a saga or a policy sends; sagas themselves are sent none."""
    return settings.topic(f"commands.{ask.aggregate_type.lower()}")


def common(caused: Causation, headers: Headers) -> Headers:
    """Return the headers of everything that has this metadata. The trace is the one among `headers`."""
    return [("correlation-id", caused.correlation_id.encode()), JSON, *trace(headers)]
