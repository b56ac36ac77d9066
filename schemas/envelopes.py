"""Common parts of every message on the wire (contract, section 2): JSON, camelCase, strict integers, no unknown field in a command."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from schemas.fields import Id, NewId, NotNull, Text, Timestamp

Given = Annotated[Text | None, NotNull]
"""Optional text. It has no pattern, because senders have id schemes of their own."""


class Message(BaseModel):
    """Base class of messages: frozen and strict, camelCase in JSON and snake_case in Python."""

    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Command(Message):
    """Payload of a command. An unknown field is an error."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, payload: object) -> Self:
        """Validate a decoded JSON payload and return its model, or raise pydantic's ValidationError.

        An unknown field is an error at every depth, and so is a field under its name in Python.
        """
        command: Self = cls.__pydantic_validator__.validate_python(payload, extra="forbid", by_alias=True, by_name=False)
        return command


class Event(Message):
    """Payload of a domain event. Readers ignore unknown fields."""


class Received(Message):
    """Base class of the parts of a command's envelope. They are only read, so only their names on the wire are valid."""

    model_config = ConfigDict(extra="forbid", validate_by_alias=True, validate_by_name=False)


class ReplyTo(Received):
    """Additional destination of the result: a saga's inbox and the record key there."""

    topic: Text
    key: Id


class CommandMetadata(Received):
    """Metadata that a sender may give with a command."""

    correlation_id: Given = None
    causation_id: Given = None
    user_id: Given = None
    trace_id: Given = None
    reply_to: Annotated[ReplyTo | None, NotNull] = None


class CommandEnvelope(Received):
    """Envelope of a command. `payload` is validated against the model of its `commandType`."""

    command_id: NewId
    command_type: Text
    aggregate_id: Id
    aggregate_type: Text
    expected_version: Annotated[Annotated[int, Field(ge=0)] | None, NotNull] = None
    timestamp: Timestamp
    metadata: CommandMetadata
    payload: dict[str, Any]


class Refusal(Message):
    """Reason why a command was refused. `state` is that of the order, reservation or payment that the command names."""

    code: str
    message: str
    state: str | None = None


class EventMetadata(Message):
    """Origin of an event or a result."""

    correlation_id: str
    causation_id: str
    user_id: str | None = None
    trace_id: str | None = None


class EventEnvelope(Message):
    """Envelope of a domain event in the event log."""

    event_id: Id
    event_type: str
    aggregate_id: Id
    aggregate_type: str
    version: Annotated[int, Field(ge=1)]
    schema_version: Annotated[int, Field(ge=1)] = 1
    timestamp: Timestamp
    metadata: EventMetadata
    payload: dict[str, Any]


class Result(Message):
    """Result of a command that a task has read. `version` is absent when the command was parked."""

    command_id: Id
    command_type: str
    aggregate_id: Id
    aggregate_type: str
    outcome: Literal["accepted", "refused", "parked"]
    version: Annotated[int, Field(ge=0)] | None = None
    event_ids: list[Id]
    refusal: Refusal | None = None
    duplicate: Literal[True] | None = None
    metadata: EventMetadata


def payload_json(payload: Message) -> bytes:
    """Encode a payload as JSON, without the optional fields that are absent."""
    return payload.__pydantic_serializer__.to_json(payload, by_alias=True, exclude_none=True)
