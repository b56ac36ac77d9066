"""Request headers, checked before anything else of a request (contract, section 4)."""

from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel, BeforeValidator, Field

from schemas.fields import NewId, NotNull, Text

ASKED = ("content-type", "if-match", "if-none-match", "prefer", "x-correlation-id", "traceparent", "consistency-token", "last-event-id")
"""Request headers that the worker reads, in lower case."""

_TAG = r'(W/)?"?[0-9]{1,18}(\.[0-9]{1,18})?"?'

ETags = Annotated[str, Field(pattern=rf"^(\*|{_TAG}(\s*,\s*{_TAG})*)$")]
"""Versions in quotes, or ETags of an order that also contain the customer's version."""


def unquoted(value: str) -> str:
    """Return the text of a header without its optional quotes."""
    return value[1:-1] if value[:1] == value[-1:] == '"' else value


def utf8(value: str) -> str:
    """Decode the text of a header. Clients send UTF-8, and the server gives each byte as one character."""
    return value.encode("latin-1").decode()


FreeText = Annotated[Text, BeforeValidator(utf8)]
"""Header that may contain any character."""

Key = Annotated[NewId, BeforeValidator(unquoted)]
"""Id, in quotes or without them."""


class Forwarded(BaseModel):
    """Headers of every request for an aggregate."""

    forwarded: Annotated[str | None, NotNull] = Field(
        None, alias="Foldstream-Forwarded", description="set by a worker that forwards: the request is not forwarded again"
    )


class WriteHeaders(Forwarded):
    """Headers of a write."""

    idempotency_key: Annotated[Key | None, NotNull] = Field(
        None,
        alias="Idempotency-Key",
        description="the command's id, in quotes or without them: sent again, the request is done once and answered as the first time",
        examples=["checkout-1"],
    )
    if_match: Annotated[ETags | None, NotNull] = Field(
        None, alias="If-Match", description="the version that the aggregate must have, in quotes; 0 if it must not exist", examples=['"3"']
    )
    correlation_id: Annotated[FreeText | None, NotNull] = Field(
        None, alias="X-Correlation-Id", description="stands in the metadata of all that the command causes"
    )
    traceparent: Annotated[str | None, NotNull] = Field(
        None,
        description="W3C Trace Context, handed on to all that the command causes; one that is malformed is ignored",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    )


class ReadHeaders(Forwarded):
    """Headers of a read."""

    token: Annotated[str | None, NotNull] = Field(None, alias="Consistency-Token", description="what a write gave: the answer is at least as new as that write")
    prefer: Annotated[str | None, NotNull] = Field(
        None, alias="Prefer", description="`wait=N`: how long the write of the token is waited for, 2 s by default, 30 s at most", examples=["wait=5"]
    )
    if_none_match: Annotated[str | None, NotNull] = Field(None, alias="If-None-Match", description="the ETag of an earlier answer: 304 if it still holds")


def _forwarded(_headers: Annotated[Forwarded, Header()]) -> None:
    """Declare and check the headers of any request; the routes read the values from the request."""


def _write(_headers: Annotated[WriteHeaders, Header()]) -> None:
    """Declare and check the headers of a write."""


def _read(_headers: Annotated[ReadHeaders, Header()]) -> None:
    """Declare and check the headers of a read."""


FORWARDED, WRITE, READ = Depends(_forwarded), Depends(_write), Depends(_read)
"""Dependencies of routes, which check and document the headers."""
