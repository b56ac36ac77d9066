"""Records as verify reads them: the form that the contract prescribes (section 2), limited to the fields that verify checks."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Meta, Struct

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~:@-]{1,128}$")]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Version = Annotated[int, Meta(ge=1, le=1 << 53)]

UNREADABLE = (msgspec.MsgspecError, KeyError, ValueError, TypeError, AttributeError)
"""Exceptions that decoding raises for an invalid record."""


class Metadata(Struct, rename="camel"):
    """Origin of an event or a result."""

    correlation_id: str
    causation_id: str


class Event(Struct, rename="camel"):
    """Domain event."""

    event_id: Id
    event_type: str
    aggregate_id: Id
    aggregate_type: str
    version: Version
    timestamp: str
    metadata: Metadata
    payload: dict[str, Any]
    schema_version: Version = 1


class Result(Struct, rename="camel"):
    """Result of a command."""

    command_id: Id
    command_type: str
    aggregate_id: str
    aggregate_type: str
    outcome: Literal["accepted", "refused", "parked"]
    event_ids: list[str]
    metadata: Metadata
    version: Count | None = None
    refusal: dict[str, Any] | None = None
    duplicate: Literal[True] | None = None


class Command(Struct, rename="camel"):
    """Command that was accepted."""

    command_id: str
    command_type: str
    aggregate_id: str
    payload: Any
    expected_version: int | None = None


class ReadAt(NamedTuple):
    """Location at which the command of a result was read, and the order that it named, if any."""

    topic: str
    offset: int
    order_id: str
    topic_id: str
    """Id of the topic. Empty in a result of an earlier version."""


event = msgspec.json.Decoder(Event).decode
result = msgspec.json.Decoder(Result).decode
command = msgspec.json.Decoder(Command).decode


def read_at(record: ConsumerRecord) -> ReadAt:
    """Decode the headers of a result. Raises one of UNREADABLE if they are invalid."""
    headers = dict(record.headers)
    return ReadAt(
        headers["command-topic"].decode(), int(headers["command-offset"]), headers.get("order-id", b"").decode(), headers.get("command-topic-id", b"").decode()
    )
