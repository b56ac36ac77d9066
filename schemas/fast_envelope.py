"""A command's envelope in one pass, when it is written plainly: as JSON encoders write it whose fields come in the contract's order.

The structs take nothing that the models in `message` do not take. What they do not take goes the long way, `decode` and then the model,
which say what is wrong with it.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas import fields
from schemas.strict_json import bounded


def _whole(pattern: str) -> str:
    """Python's `$` matches before a newline, too."""
    return pattern.replace("$", r"\Z")


Id = Annotated[str, Meta(pattern=_whole(fields.ID))]
NewId = Annotated[str, Meta(pattern=_whole(fields.NEW_ID), max_length=fields.ID_LENGTH)]
Text = Annotated[str, Meta(min_length=1, max_length=fields.TEXT_LENGTH)]
Timestamp = Annotated[str, Meta(pattern=_whole(fields.TIMESTAMP))]


class ReplyTo(Struct, frozen=True, forbid_unknown_fields=True):
    """As the model."""

    topic: Text
    key: Id


class Metadata(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """As the model."""

    correlation_id: Text | None = None
    causation_id: Text | None = None
    user_id: Text | None = None
    trace_id: Text | None = None
    reply_to: ReplyTo | None = None


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel", kw_only=True):
    """As the model."""

    command_id: NewId
    command_type: Text
    aggregate_id: Id
    aggregate_type: Text
    expected_version: Annotated[int, Meta(ge=0)] | None = None
    timestamp: Timestamp
    metadata: Metadata
    payload: dict[str, Any]


_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


def plain(raw: bytes) -> Envelope | None:
    """The envelope, or None where the long way has to tell what it is. What is encoded again as it was written has no key twice and no null."""
    try:
        envelope = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return envelope if bounded(raw) and _encoder.encode(envelope) == raw else None
