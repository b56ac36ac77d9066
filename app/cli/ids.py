"""Checks of ids and texts from the command line."""

import typer
from pydantic import TypeAdapter

from app.errors import FoldstreamError
from schemas.fields import Id

_ID = TypeAdapter(Id).validator


def require_id(what: str, value: object) -> None:
    """Raise FoldstreamError, in which `what` names the value, unless it is an id (contract, section 2)."""
    if not _ID.isinstance_python(value):
        raise FoldstreamError(f"{what} is {value!r:.150}: an id is 1 to 128 of the characters A-Z a-z 0-9 . _ ~ : @ -")


def text(given: str | None) -> str | None:
    """Return the text of an argument (a `callback` for typer). Raise BadParameter if it is not UTF-8, because it could not be sent."""
    if given is not None and not given.isascii() and any("\ud800" <= each <= "\udfff" for each in given):
        raise typer.BadParameter("this is not UTF-8")
    return given
