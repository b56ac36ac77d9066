"""Fast path for command envelopes in canonical form: decodes in one pass what a JSON encoder wrote in the contract's order of fields.

The structs accept nothing that the models in `schemas.envelopes` reject. If they reject an envelope, the caller takes the slow path
(`strict_json.decode`, then the model), which names the error.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from schemas import fields
from schemas.strict_json import bounded


def _whole(pattern: str) -> str:
    """Anchor a pattern at the very end of the text, because Python's `$` also matches before a final newline."""
    return pattern.replace("$", r"\Z")


Id = Annotated[str, Meta(pattern=_whole(fields.ID))]
NewId = Annotated[str, Meta(pattern=_whole(fields.NEW_ID), max_length=fields.ID_LENGTH)]
Text = Annotated[str, Meta(min_length=1, max_length=fields.TEXT_LENGTH)]
Timestamp = Annotated[str, Meta(pattern=_whole(fields.TIMESTAMP))]


class ReplyTo(Struct, frozen=True, forbid_unknown_fields=True):
    """Fast form of `envelopes.ReplyTo`."""

    topic: Text
    key: Id


class Metadata(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """Fast form of `envelopes.CommandMetadata`."""

    correlation_id: Text | None = None
    causation_id: Text | None = None
    user_id: Text | None = None
    trace_id: Text | None = None
    reply_to: ReplyTo | None = None


class Envelope(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel", kw_only=True):
    """Fast form of `envelopes.CommandEnvelope`."""

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
    """Decode the envelope, or return None if the slow path has to decide.

    The check that encoding it again gives the same bytes excludes duplicate keys and nulls.
    """
    try:
        envelope = _decoder.decode(raw)
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return None
    return envelope if bounded(raw) and _encoder.encode(envelope) == raw else None
