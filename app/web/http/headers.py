"""The headers that requests may carry, checked before anything else of them is looked at (contract, section 4)."""

from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel, BeforeValidator, Field

from schemas.fields import NewId, NotNull, Text

ASKED = ("content-type", "if-match", "if-none-match", "prefer", "x-correlation-id", "traceparent", "consistency-token", "last-event-id")
"""Those of a request that mean something here, in lower case."""

_TAG = r'(W/)?"?[0-9]{1,18}(\.[0-9]{1,18})?"?'

ETags = Annotated[str, Field(pattern=rf"^(\*|{_TAG}(\s*,\s*{_TAG})*)$")]
"""Versions in quotes, or ETags of an order that name its customer's version."""


def unquoted(value: str) -> str:
    """The text of a header that may stand in quotes."""
    return value[1:-1] if value[:1] == value[-1:] == '"' else value


def utf8(value: str) -> str:
    """The text in a header: bytes are UTF-8 to clients, and the server shows each as a character."""
    return value.encode("latin-1").decode()


FreeText = Annotated[Text, BeforeValidator(utf8)]
"""A header that may hold any character."""

Key = Annotated[NewId, BeforeValidator(unquoted)]
"""An id, in quotes or without them."""


class Forwarded(BaseModel):
    """What every request for an aggregate may carry."""

    forwarded: Annotated[str | None, NotNull] = Field(
        None, alias="Foldstream-Forwarded", description="set by a worker that forwards: the request is not forwarded again"
    )


class WriteHeaders(Forwarded):
    """Those of a write."""

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
    """Those of a read."""

    token: Annotated[str | None, NotNull] = Field(None, alias="Consistency-Token", description="what a write gave: the answer is at least as new as that write")
    prefer: Annotated[str | None, NotNull] = Field(
        None, alias="Prefer", description="`wait=N`: how long the write of the token is waited for, 2 s by default, 30 s at most", examples=["wait=5"]
    )
    if_none_match: Annotated[str | None, NotNull] = Field(None, alias="If-None-Match", description="the ETag of an earlier answer: 304 if it still holds")


def _forwarded(_headers: Annotated[Forwarded, Header()]) -> None:
    """Declares and checks; the values are read from the request."""


def _write(_headers: Annotated[WriteHeaders, Header()]) -> None:
    """The same."""


def _read(_headers: Annotated[ReadHeaders, Header()]) -> None:
    """The same."""


FORWARDED, WRITE, READ = Depends(_forwarded), Depends(_write), Depends(_read)
"""Dependencies of routes."""
