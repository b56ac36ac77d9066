"""What a command causes, as records: events, results, integration events, notifications (contract, sections 2 and 3)."""

from collections.abc import Sequence
from typing import Any

import msgspec

from agents._command import Received
from app.domain.decider import Decider
from app.domain.ids import event_id
from app.domain.mapping import OUTSIDE
from app.kernel.context import Headers, emit
from app.settings import Settings
from schemas.message import Event, Refusal, payload_json
from schemas.upcasts import upcasters
from tables.aggregate import Answered

_JSON = ("content-type", b"application/json")


class Outbox:
    """Writes the records of one aggregate type; values are put together from parts that are JSON already, each encoded once."""

    def __init__(self, settings: Settings, decider: Decider) -> None:
        self._type = decider.aggregate_type
        self._events = settings.topic(f"events.{decider.topic}")
        self._integration = settings.topic(f"integration.{decider.topic}")
        self._notifications = settings.topic(f"notifications.{decider.topic}")
        self._results = settings.topic("results")
        self._inboxes = {settings.topic("saga.order-fulfilment")}

    def misdirected(self, command: Received) -> Refusal | None:
        """The refusal of a `replyTo` that names no saga's inbox."""
        if command.reply_to is None or command.reply_to.topic in self._inboxes:
            return None
        return Refusal(code="invalid", message=f"metadata.replyTo.topic: must be one of {', '.join(sorted(self._inboxes))}")

    def events(self, command: Received, events: Sequence[Event], version: int) -> None:
        """The events of an accepted command, and what the outside is told of each; `version` is the aggregate's before them."""
        for index, event in enumerate(events):
            self._event(command, event, event_id(self._type, command.aggregate_id, command.command_id, index), version + index + 1)

    def _event(self, command: Received, event: Event, identity: str, version: int) -> None:
        kind, payload, key = type(event).__name__, payload_json(event), command.aggregate_id.encode()
        value = (
            f'{{"eventId":"{identity}","eventType":"{kind}","aggregateId":"{command.aggregate_id}","aggregateType":"{self._type}","version":{version},'
            f'"schemaVersion":{upcasters.version(kind)},"timestamp":"{command.at}","metadata":'
        ).encode() + b'%b,"payload":%b}' % (command.metadata, payload)
        emit(self._events, key, value, _headers(command, "event-type", kind))
        outside = OUTSIDE[kind]
        if outside is not None:
            self._tell(command, identity, outside.ce_type, payload)
            told = f'{{"orderId":"{command.aggregate_id}","status":"{outside.status}","version":{version}}}'
            emit(self._notifications, key, told.encode(), _headers(command, "event-type", "OrderStatusChanged"))

    def _tell(self, command: Received, identity: str, ce_type: str, payload: bytes) -> None:
        value = b'{"orderId":"%b"%b%b' % (command.aggregate_id.encode(), b"" if payload == b"{}" else b",", payload[1:])
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", identity.encode()),
            ("ce_source", b"/foldstream/order"),
            ("ce_type", ce_type.encode()),
            ("ce_subject", command.aggregate_id.encode()),
            ("ce_time", command.at.encode()),
            *_headers(command, "event-type", ce_type)[1:],
        ]
        emit(self._integration, command.aggregate_id.encode(), value, headers)

    def result(self, command: Received, answered: Answered, event_ids: list[str], *, duplicate: bool = False) -> None:
        """The result of a command that was answered."""
        fields: dict[str, Any] = {"outcome": "refused" if answered.code else "accepted", "version": answered.version, "eventIds": event_ids}
        if answered.code:
            fields["refusal"] = _refusal(answered.code, answered.message, answered.state)
        if duplicate:
            fields["duplicate"] = True
        self._result(command, fields)

    def parked(self, command: Received, reason: str, error: str) -> None:
        """The result of a command that was parked."""
        self._result(command, {"outcome": "parked", "eventIds": [], "refusal": _refusal(reason, error[:500], None)})

    def _result(self, command: Received, fields: dict[str, Any]) -> None:
        named = {"commandId": command.command_id, "commandType": command.command_type, "aggregateId": command.aggregate_id, "aggregateType": self._type}
        value = msgspec.json.encode({**named, **fields, "metadata": msgspec.Raw(command.metadata)})
        headers = [*_headers(command, "command-type", command.command_type), *_read_at(command)]
        emit(self._results, command.aggregate_id.encode(), value, headers)
        if command.reply_to is not None and command.reply_to.topic in self._inboxes:
            emit(command.reply_to.topic, command.reply_to.key.encode(), value, headers)


def _headers(command: Received, name: str, kind: str) -> list[tuple[str, bytes]]:
    headers = [(name, kind.encode()), ("correlation-id", command.correlation), _JSON]
    return headers if command.traceparent is None else [*headers, ("traceparent", command.traceparent)]


def _read_at(command: Received) -> Headers:
    """Where the command was read, and the order it named: a lost changelog is made anew from these."""
    record = command.record
    where = [("command-topic", record.topic.encode()), ("command-partition", b"%d" % record.partition), ("command-offset", b"%d" % record.offset)]
    return where if command.order_id is None else [*where, ("order-id", command.order_id.encode())]


def _refusal(code: str, message: str | None, state: str | None) -> dict[str, str]:
    refusal = {"code": code, "message": message, "state": state}
    return {name: value for name, value in refusal.items() if value is not None}
