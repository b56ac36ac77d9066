"""Outbox of a command: events, results, integration events and notifications, as records (contract, sections 2 and 3).

Values are put together from parts that are JSON already, each encoded once. Ids, type names and codes need no escaping.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from app.client.results import CommandReply
from app.eventsourcing.decider import Decider
from app.eventsourcing.integration_event import IntegrationEvent, Publication
from app.handlers.aggregate_repository import CommandOutcome
from app.handlers.commands import ReceivedCommand
from app.settings import Settings
from app.streams.kafka.transactions import Headers
from app.streams.processing.context import Keyed, answer, count, emit, emit_beside, topic_id
from schemas.envelopes import Event, Refusal, payload_json
from schemas.upcasters import upcasters


class Duplicate(NamedTuple):
    """Mark of a command that was answered before. `same_body` says whether its content is the same."""

    same_body: bool


class Cause(Protocol):
    """Cause of events: a command, or an input of a saga."""

    @property
    def aggregate_id(self) -> str:
        """Id of the aggregate that the events belong to."""

    @property
    def metadata(self) -> bytes:
        """Metadata of the events: Causation, as JSON."""

    @property
    def headers(self) -> Headers:
        """Headers of the events."""

    @property
    def at(self) -> str:
        """Time of the cause, RFC 3339."""

    @property
    def record(self) -> Keyed:
        """Record, or a substitute for one, with the aggregate's key."""


class Outbox:
    """Outbox of one aggregate type: writes the records that its commands cause."""

    def __init__(self, settings: Settings, decider: Decider, inboxes: Collection[str]) -> None:
        """`inboxes` are the topics to which a command's `replyTo` may point, by their names on the broker."""
        self._type = decider.aggregate_type
        self._events = settings.topic(f"events.{decider.topic}")
        self._integration = settings.topic(f"integration.{decider.topic}")
        self._notifications = settings.topic(f"notifications.{decider.topic}")
        self._results = settings.topic("results")
        self._published = _published(decider.publication)
        self._inboxes = inboxes

    def misdirected(self, command: ReceivedCommand) -> Refusal | None:
        """Return the refusal of a `replyTo` that names no saga's inbox."""
        if command.reply_to is None or command.reply_to.topic in self._inboxes:
            return None
        return Refusal(code="invalid", message=f"metadata.replyTo.topic: must be one of {', '.join(sorted(self._inboxes))}")

    def events(self, command: Cause, events: Sequence[Event], event_ids: Sequence[str], version: int) -> None:
        """Write the events of an accepted command, and the integration event and notification of each. `version` is the aggregate's before them."""
        for identity, event in zip(event_ids, events, strict=True):
            version += 1
            self._event(command, event, identity, version)

    def _event(self, command: Cause, event: Event, identity: str, version: int) -> None:
        kind, payload = type(event).__name__, payload_json(event)
        head = (
            f'{{"eventId":"{identity}","eventType":"{kind}","aggregateId":"{command.aggregate_id}","aggregateType":"{self._type}",'
            f'"version":{version},"schemaVersion":{upcasters.version(kind)},"timestamp":"{command.at}","metadata":'
        )
        value = b"".join((head.encode(), command.metadata, b',"payload":', payload, b"}"))
        emit_beside(command.record, self._events, value, [_header("event-type", kind), *command.headers])
        count("events", self._type, kind)
        published = self._published.get(kind)
        if published is not None:
            self._publish(published, command, identity, payload)
            self._notify(published, command, version)

    def _publish(self, published: "_Published", command: Cause, identity: str, payload: bytes) -> None:
        key = command.record.key
        value = b"".join((published.opening, key, b'"' if payload == b"{}" else b'",', payload[1:]))
        about = [("ce_id", identity.encode()), ("ce_subject", key), ("ce_time", command.at.encode())]
        emit_beside(command.record, self._integration, value, [*published.headers, *about, *command.headers])

    def _notify(self, published: "_Published", command: Cause, version: int) -> None:
        value = b'%b%b","status":"%b","version":%d}' % (published.opening, command.aggregate_id.encode(), published.status, version)
        emit_beside(command.record, self._notifications, value, [published.notification, *command.headers])

    def result(self, command: ReceivedCommand, answered: CommandOutcome, event_ids: Sequence[str], *, repeats: Duplicate | None = None) -> None:
        """Write the result of a command that was answered, now or before."""
        outcome = "refused" if answered.code else "accepted"
        refusal = _refusal(answered.code, answered.message, answered.state) if answered.code else b""
        ids = ",".join(f'"{identity}"' for identity in event_ids)
        body = f'"{outcome}","version":{answered.version},"eventIds":[{ids}]'
        count("commands", self._type, outcome)
        told = body.encode() + refusal + (b',"duplicate":true' if repeats else b"")
        headers = [_header("command-type", command.command_type), *command.headers, *_read_at(command)]
        value = self._result(command, told)
        emit_beside(command.record, self._results, value, headers)
        self._tell_others(command, CommandReply(value, same_body=repeats is None or repeats.same_body), headers)

    def parked(self, command: ReceivedCommand, reason: str, error: str) -> None:
        """Write the result of a command that was parked. Its type and its aggregate can be any text."""
        count("commands", self._type, "parked")
        header = ("command-type", command.command_type.encode())
        escaped = replace(command, command_type=_escaped(command.command_type), aggregate_id=_escaped(command.aggregate_id))
        headers = [header, *command.headers, *_read_at(command)]
        value = self._result(escaped, b'"parked","eventIds":[]' + _refusal(reason, error[:500], None))
        emit(self._results, command.aggregate_id.encode(), value, headers)
        self._tell_others(escaped, CommandReply(value, same_body=True), headers)

    def _result(self, command: ReceivedCommand, outcome: bytes) -> bytes:
        head = (
            f'{{"commandId":"{command.command_id}","commandType":"{command.command_type}",'
            f'"aggregateId":"{command.aggregate_id}","aggregateType":"{self._type}","outcome":'
        )
        return b"".join((head.encode(), outcome, b',"metadata":', command.metadata, b"}"))

    def _tell_others(self, command: ReceivedCommand, told: CommandReply, headers: Headers) -> None:
        """Send the result to the callers that wait for it in this process, and to the inbox that asked for a reply."""
        answer((self._type, command.aggregate_id, command.command_id), command.record, told)
        if command.reply_to is not None and command.reply_to.topic in self._inboxes:
            emit(command.reply_to.topic, command.reply_to.key.encode(), told.result, headers)


def _escaped(text: str) -> str:
    """Return any text as it stands between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1].decode()


@lru_cache(maxsize=256)
def _header(name: str, value: str) -> tuple[str, bytes]:
    return name, value.encode()


class _Published(NamedTuple):
    """Parts of the integration event and the notification that are the same for all events of a type."""

    opening: bytes
    """JSON of both up to the value of the key field."""
    headers: Headers
    status: bytes
    notification: tuple[str, bytes]
    """Header with the type of the notification."""


def _published(publication: Publication | None) -> dict[str, _Published]:
    """Return the parts by event type, without the types that are not published."""
    if publication is None:
        return {}
    opening, notification = b'{"%b":"' % publication.key_field.encode(), _header("event-type", publication.notification_type)
    return {
        kind: _Published(opening, _cloud_event(event, publication.source), event.status.encode(), notification)
        for kind, event in publication.events.items()
        if event
    }


def _cloud_event(event: IntegrationEvent, source: bytes) -> Headers:
    return [("ce_specversion", b"1.0"), ("ce_source", source), ("ce_type", event.ce_type.encode())]


def _read_at(command: ReceivedCommand) -> Headers:
    """Return headers that say where the command was read, and the order it named. A lost changelog is rebuilt from these."""
    record = command.record
    where = [
        ("command-topic", record.topic.encode()),
        ("command-partition", b"%d" % record.partition),
        ("command-offset", b"%d" % record.offset),
        ("command-topic-id", topic_id(record).encode()),
    ]
    return where if command.order_id is None else [*where, ("order-id", command.order_id.encode())]


def _refusal(code: str, message: str | None, state: str | None) -> bytes:
    refusal = {"code": code, "message": message, "state": state}
    return b',"refusal":' + msgspec.json.encode({name: value for name, value in refusal.items() if value is not None})
