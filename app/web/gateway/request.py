"""Commands from HTTP requests: their ids, their metadata, and the URL of their outcome."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import uuid4

import msgspec
from fastapi import Request

from app.clock import now
from app.web.gateway.etag import expected
from app.web.http.headers import unquoted, utf8
from schemas.envelopes import Command

_IDS = r"-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
_TRACEPARENT = re.compile(rf"00{_IDS}|(?!00|ff)[0-9a-f]{{2}}{_IDS}(-[!-~]{{1,200}})?", re.ASCII)
"""Header `traceparent` of W3C Trace Context, section 3.2; later versions may append to it."""


class CommandRef(NamedTuple):
    """Reference to a command whose outcome is queried."""

    aggregate_type: str
    aggregate_id: str
    command_id: str
    order_id: str | None = None

    @property
    def path(self) -> str:
        """URL path of the command's outcome."""
        about = f"?orderId={self.order_id}" if self.order_id else ""
        return f"/commands/{self.aggregate_type}/{self.aggregate_id}/{self.command_id}{about}"


@dataclass(frozen=True)
class CommandRequest:
    """Command that a client requests over HTTP."""

    command_type: str
    aggregate_type: str
    aggregate_id: str
    command_id: str
    payload: Mapping[str, Any]
    expected_version: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    traceparent: str | None = None

    @property
    def asked(self) -> CommandRef:
        """Reference by which the client can query the outcome."""
        return CommandRef(self.aggregate_type, self.aggregate_id, self.command_id, self.payload.get("orderId"))

    def record(self) -> bytes:
        """Return the value of the command's record."""
        named = {"commandId": self.command_id, "commandType": self.command_type, "aggregateId": self.aggregate_id, "aggregateType": self.aggregate_type}
        expected = {} if self.expected_version is None else {"expectedVersion": self.expected_version}
        sent = now()
        return msgspec.json.encode({**named, **expected, "timestamp": sent, "metadata": self.metadata, "payload": self.payload})

    def headers(self) -> list[tuple[str, bytes]]:
        """Return the headers of the command's record."""
        correlation = self.metadata.get("correlationId", self.command_id)
        trace = [] if self.traceparent is None else [("traceparent", self.traceparent.encode())]
        return [("command-type", self.command_type.encode()), ("correlation-id", correlation.encode()), ("content-type", b"application/json"), *trace]


def command_from_request(request: Request, aggregate_type: str, aggregate_id: str, command: Command, leaving_out: str | None = None) -> CommandRequest:
    """Build the command for a request whose headers have been checked. `leaving_out` is a field of the body that does not belong in the payload."""
    payload = command.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={leaving_out} if leaving_out else None)
    correlation = request.headers.get("x-correlation-id")
    return CommandRequest(
        command_type(command),
        aggregate_type,
        aggregate_id,
        command_id(request),
        payload,
        _expected_version(request),
        {} if correlation is None else {"correlationId": utf8(correlation)},
        _traceparent(request),
    )


def command_type(command: Command) -> str:
    """Return the command type on the wire. A request's body may have a subclass of the command's schema, which does not count."""
    return next(each.__name__ for each in type(command).__mro__ if each.__module__ != "schemas.requests")


def command_id(request: Request) -> str:
    """Return the Idempotency-Key, or a random id. Every call during one request returns the same id."""
    if not hasattr(request.state, "command_id"):
        request.state.command_id = unquoted(request.headers.get("idempotency-key", "")) or uuid4().hex
    chosen: str = request.state.command_id
    return chosen


def derived_id(request: Request, kind: str) -> str:
    """Derive the id of a new aggregate from the Idempotency-Key, so that a repeated request creates the same aggregate."""
    return blake2b(f"{kind}\0{command_id(request)}".encode(), digest_size=16).hexdigest()


def _expected_version(request: Request) -> int | None:
    tag = request.headers.get("if-match")
    return None if tag is None else expected(tag)


def _traceparent(request: Request) -> str | None:
    """Return the `traceparent`, or None if it is malformed, as W3C requires."""
    given = request.headers.get("traceparent", "")
    return given if _TRACEPARENT.fullmatch(given) else None
