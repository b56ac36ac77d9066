"""What is common to every message on the wire (contract, section 2): JSON, camelCase, integers strict, no field too many in a command."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from schemas.fields import Id, NewId, NotNull, Text, Timestamp

Given = Annotated[Text | None, NotNull]
"""Text that may be left out; senders have id schemes of their own."""


class Message(BaseModel):
    """Frozen, strict, camelCase outside and snake_case inside."""

    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Command(Message):
    """The payload of a command: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def read(cls, payload: object) -> Self:
        """The model of a payload as it came, or pydantic's ValidationError.

        An unknown field is an error at every depth, and so is a field under its name in Python.
        """
        command: Self = cls.__pydantic_validator__.validate_python(payload, extra="forbid", by_alias=True, by_name=False)
        return command


class Event(Message):
    """The payload of a domain event: an unknown field is ignored by whoever reads it."""


class Received(Message):
    """A part of a command's envelope: only ever read, so known by its names on the wire alone."""

    model_config = ConfigDict(extra="forbid", validate_by_alias=True, validate_by_name=False)


class ReplyTo(Received):
    """Where else the result goes: a saga's inbox and the key there."""

    topic: Text
    key: Id


class CommandMetadata(Received):
    """What a sender may say about a command."""

    correlation_id: Given = None
    causation_id: Given = None
    user_id: Given = None
    trace_id: Given = None
    reply_to: Annotated[ReplyTo | None, NotNull] = None


class CommandEnvelope(Received):
    """A command; `payload` is checked against the model of its `commandType`."""

    command_id: NewId
    command_type: Text
    aggregate_id: Id
    aggregate_type: Text
    expected_version: Annotated[Annotated[int, Field(ge=0)] | None, NotNull] = None
    timestamp: Timestamp
    metadata: CommandMetadata
    payload: dict[str, Any]


class Refusal(Message):
    """Why a command was not accepted; `state` is that of the order, reservation or payment it names."""

    code: str
    message: str
    state: str | None = None


class EventMetadata(Message):
    """Where an event or a result came from."""

    correlation_id: str
    causation_id: str
    user_id: str | None = None
    trace_id: str | None = None


class EventEnvelope(Message):
    """A domain event as it stands in the log of record."""

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
    """The answer to a command that was read; `version` is absent when it was parked."""

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
    """The payload's JSON, without the optional fields that are absent."""
    return payload.__pydantic_serializer__.to_json(payload, by_alias=True, exclude_none=True)
