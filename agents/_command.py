"""From a record to a command: what cannot be read is parked, what can be read but not accepted is refused (contract, section 2)."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from pydantic import ValidationError

from app.domain.answer import invalid
from app.domain.decider import Decider
from schemas.decode import Undecodable, decode
from schemas.message import CommandEnvelope, CommandMetadata, Refusal, ReplyTo

_ID = re.compile(r"[A-Za-z0-9._~:@-]{1,128}", re.ASCII)


class Unreadable(Exception):  # noqa: N818 (what it is)
    """The record is no command that could be answered; `reason` is the contract's."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class Received(NamedTuple):
    """A command as it was read; `refusal` says what is wrong with its envelope, if it can be answered all the same."""

    command_id: str
    command_type: str
    aggregate_id: str
    order_id: str | None
    expected_version: int | None
    reply_to: ReplyTo | None
    payload: Any
    metadata: bytes
    """The metadata of everything the command causes, as JSON."""
    correlation: bytes
    traceparent: bytes | None
    at: str
    """The broker's time of the record, RFC 3339."""
    refusal: Refusal | None
    record: ConsumerRecord


def receive(decider: Decider, record: ConsumerRecord) -> Received:
    """The command in a record; Unreadable when it has to be parked."""
    if record.key is None or record.value is None:
        raise Unreadable("invalid", "the record has no key, or no value")
    try:
        fields = decode(record.value)
    except Undecodable as error:
        raise Unreadable("undecodable", str(error)) from error
    _check_envelope(decider, record, fields)
    return _received(decider, record, fields)


def peek(decider: Decider, record: ConsumerRecord) -> Received | None:
    """The command in a record that was parked, if as much as its ids can be read."""
    try:
        fields = decode(record.value or b"")
    except Undecodable:
        return None
    if not (_is_id(fields.get("commandId")) and _is_id(fields.get("aggregateId"))):
        return None
    return _received(decider, record, {**fields, "commandType": str(fields.get("commandType", ""))})


def _check_envelope(decider: Decider, record: ConsumerRecord, fields: dict[str, Any]) -> None:
    if not isinstance(fields.get("commandType"), str) or fields["commandType"] not in decider.commands:
        raise Unreadable("unknown-type", f"commandType {fields.get('commandType')!r} is none of {', '.join(decider.commands)}"[:500])
    for name in ("commandId", "aggregateId"):
        if not _is_id(fields.get(name)):
            raise Unreadable("invalid", f"{name} is missing or malformed")
    if record.key != fields["aggregateId"].encode():
        raise Unreadable("invalid", "the record's key is not the aggregateId")


def _received(decider: Decider, record: ConsumerRecord, fields: dict[str, Any]) -> Received:
    envelope, refusal = _envelope(decider, fields)
    metadata = envelope.metadata if envelope else _metadata(fields)
    command_id = fields["commandId"]
    correlation = metadata.correlation_id or command_id
    about = {"correlationId": correlation, "causationId": command_id, "userId": metadata.user_id, "traceId": metadata.trace_id}
    return Received(
        command_id,
        fields["commandType"],
        fields["aggregateId"],
        _order_named(decider, fields),
        envelope.expected_version if envelope else None,
        metadata.reply_to,
        fields.get("payload"),
        msgspec.json.encode({name: value for name, value in about.items() if value is not None}),
        correlation.encode(),
        dict(record.headers).get("traceparent") if record.headers else None,
        rfc3339(record.timestamp),
        refusal,
        record,
    )


def _envelope(decider: Decider, fields: dict[str, Any]) -> tuple[CommandEnvelope | None, Refusal | None]:
    try:
        envelope = CommandEnvelope.model_validate(fields)
    except ValidationError as error:
        return None, invalid(error, "command")
    if envelope.aggregate_type != decider.aggregate_type:
        return envelope, Refusal(code="invalid", message=f"aggregateType: this topic is for {decider.aggregate_type}")
    return envelope, None


def _metadata(fields: dict[str, Any]) -> CommandMetadata:
    """The metadata of a command whose envelope is at fault elsewhere: its sender waits for an answer all the same."""
    try:
        return CommandMetadata.model_validate(fields.get("metadata"))
    except ValidationError:
        return CommandMetadata()


def _order_named(decider: Decider, fields: dict[str, Any]) -> str | None:
    """The order that the command names, read before its payload is checked: repeated commands are known by it."""
    model, payload = decider.commands.get(fields["commandType"]), fields.get("payload")
    if model is None or "order_id" not in model.model_fields or not isinstance(payload, dict):
        return None
    return payload["orderId"] if _is_id(payload.get("orderId")) else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and _ID.fullmatch(value) is not None


@lru_cache(maxsize=1024)
def rfc3339(timestamp_ms: int) -> str:
    """A record's timestamp as text, UTC with milliseconds."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
