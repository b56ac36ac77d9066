"""What is common to every message on the wire (contract, section 2): JSON, camelCase, integers strict, no field too many in a command."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9._~:@-]{1,128}$")]
Text = Annotated[str, Field(min_length=1, max_length=500)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]
Money = Annotated[int, Field(ge=0, le=1_000_000_000_000)]
"""An amount in minor units (cents, for EUR)."""

PersonalText = Annotated[Text, Field(json_schema_extra={"personal": True})]
"""Text about a person; the mark stands in the JSON schema too."""


class Message(BaseModel):
    """Frozen, strict, camelCase outside and snake_case inside."""

    model_config = ConfigDict(frozen=True, strict=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Command(Message):
    """The payload of a command: an unknown field is an error."""

    model_config = ConfigDict(extra="forbid")


class Event(Message):
    """The payload of a domain event: an unknown field is ignored by whoever reads it."""


class ReplyTo(Message):
    """Where else the result goes: a saga's inbox and the key there."""

    model_config = ConfigDict(extra="forbid")
    topic: Text
    key: Id


class CommandMetadata(Message):
    """What a sender may say about a command."""

    model_config = ConfigDict(extra="forbid")
    correlation_id: Text | None = None
    causation_id: Text | None = None
    user_id: Text | None = None
    trace_id: Text | None = None
    reply_to: ReplyTo | None = None


class CommandEnvelope(Message):
    """A command; `payload` is checked against the model of its `commandType`."""

    model_config = ConfigDict(extra="forbid")
    command_id: Id
    command_type: Text
    aggregate_id: Id
    aggregate_type: Text
    expected_version: Annotated[int, Field(ge=0)] | None = None
    timestamp: Text
    metadata: CommandMetadata
    payload: dict[str, Any]


class Refusal(Message):
    """Why a command was not accepted; `state` is that of what it names."""

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

    event_id: str
    event_type: str
    aggregate_id: Id
    aggregate_type: str
    version: Annotated[int, Field(ge=1)]
    schema_version: Annotated[int, Field(ge=1)] = 1
    timestamp: str
    metadata: EventMetadata
    payload: dict[str, Any]


class Result(Message):
    """The answer to a command that was read."""

    command_id: str
    command_type: str
    aggregate_id: str
    aggregate_type: str
    outcome: Annotated[str, Field(pattern="^(accepted|refused|parked)$")]
    version: int | None = None
    event_ids: list[str]
    refusal: Refusal | None = None
    duplicate: bool | None = None
    metadata: EventMetadata


def payload_json(payload: Message) -> bytes:
    """The payload's JSON, without the optional fields that are absent."""
    return payload.__pydantic_serializer__.to_json(payload, by_alias=True, exclude_none=True)
