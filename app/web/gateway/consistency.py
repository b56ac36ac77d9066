"""Reading no less than a client has seen already: the Consistency-Token of a write, and how long its effect is waited for (contract, section 4)."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from app.web.gateway.token import ConsistencyToken, parse
from app.web.http.problems import Problem

WAIT_S = 2.0
"""How long a read waits for what its token names (seconds), unless `Prefer: wait=N` says otherwise, up to MOST_WAIT_S."""
MOST_WAIT_S = 30.0
POLL_S = 10.0
"""How long `?wait=` waits for a status (seconds), unless `Prefer` says otherwise."""
_POLL_S = 0.02

_PREFERENCE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_WAIT = re.compile(r'\s*wait\s*=\s*(?P<quote>"?)(?P<seconds>[0-9]{1,9})(?P=quote)\s*(?:;|$)', re.ASCII | re.IGNORECASE)
"""`wait`, alone or before parameters (RFC 7240, section 2)."""

Row = TypeVar("Row")


async def fresh(request: Request, kind: str, identity: str, read: Callable[[], Row | None], version: Callable[[Row], int]) -> Row:
    """What `read` gives of an aggregate, at the version that the request's token names or later; a Problem when it does not come in time."""
    least, until_s = least_version(request, kind, identity), deadline_s(request)
    while True:
        found = read()
        if found is not None and version(found) >= least:
            return found
        if asyncio.get_running_loop().time() > until_s or (least == 0 and not _polls(request)):
            raise not_yet() if least else Problem(404, "not-found", f"there is no {kind.lower()} of this id")
        await asyncio.sleep(_POLL_S)


async def seen(request: Request, version: Callable[[], int]) -> None:
    """Return once what the request's token names has this version or a later one; a Problem when that takes too long."""
    least, until_s = parse(request.headers["consistency-token"]).version, deadline_s(request)
    while version() < least:
        if asyncio.get_running_loop().time() > until_s:
            raise not_yet()
        await asyncio.sleep(_POLL_S)


def has_token(request: Request) -> bool:
    """True if the answer has to be as new as a write."""
    return "consistency-token" in request.headers


def deadline_s(request: Request) -> float:
    """Until when is waited for it, by the event loop's clock."""
    return asyncio.get_running_loop().time() + wait_s(request)


def wait_s(request: Request) -> float:
    """How long a read may take to answer (seconds)."""
    usual = POLL_S if _polls(request) else WAIT_S
    for preference in _PREFERENCE.findall(request.headers.get("prefer", "")):
        if wanted := _WAIT.match(preference):
            return min(float(wanted["seconds"]), MOST_WAIT_S)
    return usual


def not_yet() -> Problem:
    """That what the token names did not come in time."""
    return Problem(412, "not-yet", "the write that the Consistency-Token names is not visible yet: ask again, or wait longer (Prefer: wait=N)")


def refuse_token(request: Request) -> None:
    """A Problem where no single write can be waited for."""
    if has_token(request):
        raise Problem(400, "token-not-applicable", "this list covers many aggregates and cannot wait for the write of one: ask for the aggregate itself")


def _polls(request: Request) -> bool:
    """True if the client waits for a status: what is not there yet may be on its way."""
    return "wait" in request.query_params


def least_version(request: Request, kind: str, identity: str) -> int:
    """The version that the request's token names, 0 without one; a Problem when it is of another write."""
    given = request.headers.get("consistency-token")
    if given is None:
        return 0
    token = parse(given)
    if token[:2] != ConsistencyToken(kind, identity, 0)[:2]:
        raise Problem(400, "token-not-applicable", f"the Consistency-Token is of another write: only one to this {kind.lower()} says what to wait for")
    return token.version
