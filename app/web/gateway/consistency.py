"""Read-your-writes: a read with the Consistency-Token of a write waits until the rows show that write, or is answered 412 (contract, section 4)."""

import asyncio
import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import NamedTuple, Self, TypeVar

from fastapi import Request

from app.web.http.problems import Problem

WAIT_S = 2.0
"""Time that a read waits for the version of its token (seconds), unless `Prefer: wait=N` says otherwise, up to MOST_WAIT_S."""
MOST_WAIT_S = 30.0
POLL_S = 10.0
"""Time that `?wait=` waits for a status (seconds), unless `Prefer` says otherwise."""
_POLL_S = 0.02

_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT = re.compile(r'\s*wait\s*=\s*(?P<quote>"?)(?P<seconds>[0-9]{1,9})(?P=quote)\s*(?:;|$)', re.ASCII | re.IGNORECASE)
"""Preference `wait`, alone or before parameters (RFC 7240, section 2)."""

Row = TypeVar("Row")


class ConsistencyToken(NamedTuple):
    """Version of an aggregate after a write. Its text is opaque outside of this class."""

    aggregate_type: str
    aggregate_id: str
    version: int

    def __str__(self) -> str:
        return urlsafe_b64encode(f"{self.aggregate_type} {self.aggregate_id} {self.version}".encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the token in a header. Raise a Problem if it is not a token of ours."""
        try:
            kind, identity, version = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
            return cls(kind, identity, int(version))
        except (ValueError, binascii.Error) as error:
            raise Problem(
                400, "token-not-applicable", "Consistency-Token is none that a write gave: send the header of the write's answer as it came"
            ) from error


async def fresh(request: Request, kind: str, identity: str, read: Callable[[], Row | None], version: Callable[[Row], int]) -> Row:
    """Return what `read` finds, once its version is that of the request's token or later. Raise a Problem if that takes too long, or nothing exists."""
    least, until_s = least_version(request, kind, identity), deadline_s(request)
    while True:
        found = read()
        if found is not None and version(found) >= least:
            return found
        if asyncio.get_running_loop().time() > until_s or (least == 0 and not _polls(request)):
            raise not_yet() if least else Problem(404, "not-found", f"there is no {kind.lower()} of this id")
        await asyncio.sleep(_POLL_S)


async def seen(request: Request, version: Callable[[], int]) -> None:
    """Return once `version` has reached the version of the request's token. Raise a Problem if that takes too long."""
    least, until_s = ConsistencyToken.parse(request.headers["consistency-token"]).version, deadline_s(request)
    while version() < least:
        if asyncio.get_running_loop().time() > until_s:
            raise not_yet()
        await asyncio.sleep(_POLL_S)


def has_token(request: Request) -> bool:
    """Return True if the request has a Consistency-Token."""
    return "consistency-token" in request.headers


def deadline_s(request: Request) -> float:
    """Return the time on the event loop's clock until which a read waits (seconds)."""
    return asyncio.get_running_loop().time() + wait_s(request)


def wait_s(request: Request) -> float:
    """Return the time that a read may wait (seconds)."""
    usual = POLL_S if _polls(request) else WAIT_S
    for preference in _PREFERENCE.findall(request.headers.get("prefer", "")):
        if wanted := _WAIT.match(preference):
            return min(float(wanted["seconds"]), MOST_WAIT_S)
    return usual


def not_yet() -> Problem:
    """Return the Problem that the write of the token did not become visible in time."""
    return Problem(412, "not-yet", "the write that the Consistency-Token names is not visible yet: ask again, or wait longer (Prefer: wait=N)")


def refuse_token(request: Request) -> None:
    """Raise a Problem if the request has a token, on routes that cannot wait for a single write."""
    if has_token(request):
        raise Problem(400, "token-not-applicable", "this list covers many aggregates and cannot wait for the write of one: ask for the aggregate itself")


def _polls(request: Request) -> bool:
    """Return True if the client waits for a status; a missing aggregate may then still appear."""
    return "wait" in request.query_params


def least_version(request: Request, kind: str, identity: str) -> int:
    """Return the version of the request's token, 0 without a token. Raise a Problem if the token is of another aggregate."""
    given = request.headers.get("consistency-token")
    if given is None:
        return 0
    token = ConsistencyToken.parse(given)
    if token[:2] != ConsistencyToken(kind, identity, 0)[:2]:
        raise Problem(400, "token-not-applicable", f"the Consistency-Token is of another write: only one to this {kind.lower()} says what to wait for")
    return token.version
