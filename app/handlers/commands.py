"""Decoding of commands. A record that cannot be read is parked; a command that can be read but not accepted is refused (contract, section 2)."""

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Struct
from pydantic import ValidationError

from app.eventsourcing.decide import invalid
from app.eventsourcing.decider import Decider
from schemas.envelopes import CommandEnvelope, CommandMetadata, Refusal, ReplyTo
from schemas.fast_envelope import Envelope, Metadata, plain
from schemas.fast_envelope import ReplyTo as PlainReplyTo
from schemas.fields import DOTS
from schemas.strict_json import Undecodable, decode
from schemas.timestamp import rfc3339

_ID = re.compile(r"[A-Za-z0-9._~:@-]{1,128}", re.ASCII)
_encode = msgspec.json.Encoder().encode
JSON = ("content-type", b"application/json")


class UndecodableCommand(Exception):  # noqa: N818 (what it is)
    """Error when the record is no command that could be answered. `reason` is the contract's."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class Causation(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Causation metadata of everything that a command causes."""

    correlation_id: str
    causation_id: str
    user_id: str | None = None
    trace_id: str | None = None


class Named(Struct, frozen=True):
    """Fields of a command that are needed to answer it, whatever else is wrong with it."""

    command_id: str
    command_type: str
    aggregate_id: str
    payload: Any
    expected_version: int | None = None


Sent = Envelope | CommandEnvelope | Named
Origin = Metadata | CommandMetadata


class ReceivedCommand(Struct, frozen=True):
    """A command as it was read. `refusal` says what is wrong with its envelope, if it can be answered nevertheless."""

    command_id: str
    command_type: str
    aggregate_id: str
    order_id: str | None
    expected_version: int | None
    reply_to: ReplyTo | PlainReplyTo | None
    payload: Any
    metadata: bytes
    """Causation, as JSON."""
    headers: list[tuple[str, bytes]]
    """Headers of everything that the command causes."""
    at: str
    """Broker's time of the record, RFC 3339."""
    refusal: Refusal | None
    record: ConsumerRecord

    def body(self) -> str:
        """Return a digest of the command's type and payload: 16 hex digits."""
        asked = msgspec.json.encode([self.command_type, self.payload], order="sorted")
        return blake2b(asked, digest_size=8).hexdigest()


def receive(decider: Decider, record: ConsumerRecord) -> ReceivedCommand:
    """Decode the command in a record. Raises UndecodableCommand when it has to be parked."""
    envelope = plain(record.value) if record.value is not None else None
    if envelope is None or envelope.command_type not in decider.commands or record.key != envelope.aggregate_id.encode():
        return _receive_slowly(decider, record)
    return _received(decider, record, envelope, envelope.metadata, _foreign(decider, envelope))


def _receive_slowly(decider: Decider, record: ConsumerRecord) -> ReceivedCommand:
    """Decode a command that is at fault, or not in the canonical form."""
    fields = _read(record)
    try:
        envelope = CommandEnvelope.model_validate(fields)
    except ValidationError as error:
        _check_answerable(decider, record, fields)
        return _received(decider, record, _named(fields), _metadata(fields), invalid(error, "command"))
    _check_answerable(decider, record, fields)
    return _received(decider, record, envelope, envelope.metadata, _foreign(decider, envelope))


def peek(decider: Decider, record: ConsumerRecord) -> ReceivedCommand | None:
    """Decode a command that was parked; None if not even its id can be read. If it names no aggregate, the record's key is used instead."""
    try:
        fields = decode(record.value or b"")
    except Undecodable:
        return None
    if not _is_id(fields.get("commandId")) or fields["commandId"] in DOTS:
        return None
    kind, named, key = fields.get("commandType"), fields.get("aggregateId"), (record.key or b"").decode(errors="replace")
    told = {"commandType": kind if isinstance(kind, str) else "", "aggregateId": named if isinstance(named, str) else key}
    return _received(decider, record, _named({**fields, **told}), _metadata(fields), None)


def _read(record: ConsumerRecord) -> dict[str, Any]:
    if record.key is None or record.value is None:
        raise UndecodableCommand("invalid", "the record has no key, or no value")
    try:
        return decode(record.value)
    except Undecodable as error:
        raise UndecodableCommand("undecodable", str(error)) from error


def _check_answerable(decider: Decider, record: ConsumerRecord, fields: dict[str, Any]) -> None:
    if not isinstance(fields.get("commandType"), str) or fields["commandType"] not in decider.commands:
        raise UndecodableCommand("unknown-type", f"commandType {fields.get('commandType')!r} is none of {', '.join(decider.commands)}"[:500])
    for name in ("commandId", "aggregateId"):
        if not _is_id(fields.get(name)):
            raise UndecodableCommand("invalid", f"{name} is missing or malformed")
    if fields["commandId"] in DOTS:
        raise UndecodableCommand("invalid", f"commandId cannot be {fields['commandId']}")
    if record.key != fields["aggregateId"].encode():
        raise UndecodableCommand("invalid", "the record's key is not the aggregateId")


def _named(fields: dict[str, Any]) -> Named:
    return Named(fields["commandId"], fields["commandType"], fields["aggregateId"], fields.get("payload"))


def _received(decider: Decider, record: ConsumerRecord, sent: Sent, metadata: Origin, refusal: Refusal | None) -> ReceivedCommand:
    correlation = metadata.correlation_id or sent.command_id
    return ReceivedCommand(
        sent.command_id,
        sent.command_type,
        sent.aggregate_id,
        _order_named(sent.payload) if sent.command_type in decider.naming_orders else None,
        sent.expected_version,
        metadata.reply_to,
        sent.payload,
        _encode(Causation(correlation, sent.command_id, metadata.user_id, metadata.trace_id)),
        [("correlation-id", correlation.encode()), JSON, *trace(record.headers)],
        rfc3339(record.timestamp),
        refusal,
        record,
    )


def _foreign(decider: Decider, envelope: Envelope | CommandEnvelope) -> Refusal | None:
    if envelope.aggregate_type == decider.aggregate_type:
        return None
    return Refusal(code="invalid", message=f"aggregateType: this topic is for {decider.aggregate_type}")


def _metadata(fields: dict[str, Any]) -> CommandMetadata:
    """Return the valid parts of the metadata of a command that is at fault elsewhere. Its sender waits for a result nevertheless."""
    given = fields.get("metadata")
    parts = [_metadata_part(name, value) for name, value in given.items()] if isinstance(given, dict) else []
    return CommandMetadata().model_copy(update={name: getattr(part, name) for part in parts for name in part.model_fields_set})


def _metadata_part(name: str, value: object) -> CommandMetadata:
    try:
        return CommandMetadata.model_validate({name: value})
    except ValidationError:
        return CommandMetadata()


def trace(headers: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return the trace among the headers of a record, if there is one."""
    return [("traceparent", value) for name, value in headers if name == "traceparent"][-1:]


def _order_named(payload: object) -> str | None:
    """Return the order that a payload names, before the payload is checked. Repeated commands are recognized by it."""
    order_id = payload.get("orderId") if isinstance(payload, dict) else None
    return order_id if _is_id(order_id) else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None
