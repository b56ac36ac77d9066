"""Records as the auditor reads them: what the contract says of their form (section 2), and no more than is judged."""

from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from aiokafka import ConsumerRecord
from msgspec import Meta, Struct

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._~:@-]{1,128}$")]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Version = Annotated[int, Meta(ge=1, le=1 << 53)]

UNREADABLE = (msgspec.MsgspecError, KeyError, ValueError, TypeError, AttributeError)
"""What reading raises when a record is not what it must be."""


class Metadata(Struct, rename="camel"):
    """Where an event or a result came from."""

    correlation_id: str
    causation_id: str


class Event(Struct, rename="camel"):
    """A domain event."""

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
    """The answer to a command."""

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
    """A command that was accepted."""

    command_id: str
    command_type: str
    aggregate_id: str
    payload: Any
    expected_version: int | None = None


class ReadAt(NamedTuple):
    """Where the command of a result was read, and the order that it named, if it named one."""

    topic: str
    offset: int
    order_id: str
    topic_id: str
    """Empty in a result of an earlier version."""


event = msgspec.json.Decoder(Event).decode
result = msgspec.json.Decoder(Result).decode
command = msgspec.json.Decoder(Command).decode


def read_at(record: ConsumerRecord) -> ReadAt:
    """What the headers of a result say; one of UNREADABLE when they do not."""
    headers = dict(record.headers)
    return ReadAt(
        headers["command-topic"].decode(), int(headers["command-offset"]), headers.get("order-id", b"").decode(), headers.get("command-topic-id", b"").decode()
    )
