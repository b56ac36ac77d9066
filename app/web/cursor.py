"""Cursors: the place where a page goes on, in letters that fit into a query; nobody but this code reads them."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from app.web.problem import Problem

Place = TypeVar("Place")


def written(place: object) -> str:
    """The cursor of a place, which is a tuple of JSON values."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(cursor: str, kind: type[Place]) -> Place:
    """The place in a cursor; a Problem when it is none of ours."""
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except ValueError as error:
        raise Problem(422, "invalid", "after: is none that `next` gave") from error
