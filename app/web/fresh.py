"""Reading no less than a client has seen already: the Consistency-Token of a write, and how long its effect is waited for (contract, section 4)."""

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request

from app.web.problem import Problem
from app.web.token import Token, parse

WAIT_S = 2.0
"""How long a read waits for what its token names (seconds), unless `Prefer: wait=N` says otherwise, up to MOST_WAIT_S."""
MOST_WAIT_S = 30.0
_POLL_S = 0.02

Row = TypeVar("Row")


async def fresh(request: Request, kind: str, identity: str, read: Callable[[], Row | None], version: Callable[[Row], int]) -> Row:
    """What `read` gives of an aggregate, at the version that the request's token names or later; a Problem when it does not come in time."""
    least, deadline_s = _least_version(request, kind, identity), asyncio.get_running_loop().time() + _wait_s(request)
    while True:
        found = read()
        if found is not None and version(found) >= least:
            return found
        if least == 0:
            raise Problem(404, "not-found", f"there is no {kind.lower()} of this id")
        if asyncio.get_running_loop().time() > deadline_s:
            raise Problem(412, "not-yet", "the write that the Consistency-Token names is not visible yet: ask again, or wait longer (Prefer: wait=N)")
        await asyncio.sleep(_POLL_S)


def refuse_token(request: Request) -> None:
    """A Problem where no single write can be waited for."""
    if "consistency-token" in request.headers:
        raise Problem(400, "token-not-applicable", "this list covers many aggregates and cannot wait for the write of one: ask for the aggregate itself")


def _least_version(request: Request, kind: str, identity: str) -> int:
    given = request.headers.get("consistency-token")
    if given is None:
        return 0
    token = parse(given)
    if token[:2] != Token(kind, identity, 0)[:2]:
        raise Problem(400, "token-not-applicable", f"the Consistency-Token is of another write: only one to this {kind.lower()} says what to wait for")
    return token.version


def _wait_s(request: Request) -> float:
    wanted = re.search(r"(?:^|[,;\s])wait=(\d{1,4})", request.headers.get("prefer", ""))
    return WAIT_S if wanted is None else min(float(wanted[1]), MOST_WAIT_S)
