"""Errors as clients see them: RFC 9457 problem details with a code, and a sentence on what to do (contract, section 4)."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, WithJsonSchema
from starlette.exceptions import HTTPException

from app.streams.tasks.ownership import FORWARDED

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1

HEADERS: dict[str, dict[str, Any]] = {
    "Location": {"description": "where it is, or where to ask", "schema": {"type": "string"}},
    "Consistency-Token": {"description": "opaque: a read that carries it sees this write", "schema": {"type": "string"}},
    "Duplicate": {"description": "the Idempotency-Key came before: this is its first answer", "schema": {"type": "string", "enum": ["true"]}},
    "Retry-After": {"description": "seconds", "schema": {"type": "integer"}},
    "Allow": {"description": "the methods of the path", "schema": {"type": "string"}},
    "ETag": {"description": "the version, in quotes", "schema": {"type": "string"}},
}
"""Response headers, in the form of OpenAPI."""

Responses = dict[int | str, dict[str, Any]]
"""Responses of a route by status, in the form that FastAPI takes."""


PROBLEM_CODES = {
    "already-exists": "there is one of this id already",
    "body-too-slow": "the body did not arrive in time",
    "currency-mismatch": "the customer's currency is another",
    "failed": "the worker met an error of its own, which its log has",
    "head-too-large": "the head of the request is larger than 65536 bytes",
    "illegal-transition": "the order's status does not allow this",
    "insufficient-credit": "the limit would be below what is used",
    "insufficient-stock": "there is not as much",
    "invalid": "body.items: Field required",
    "interrupted": "the partition is being taken over: look whether the record still is parked, and ask again",
    "method-not-allowed": "/orders takes GET, HEAD, POST, OPTIONS",
    "newer-schema": "an event can only be read by a newer Foldstream: an operator has to install it",
    "no-http": "Invalid HTTP request received.",
    "no-broker": "Kafka does not answer at the moment: ask again",
    "no-owner": "no worker owns the aggregate's partition at the moment: ask again",
    "not-found": "there is none of this id",
    "not-head": "an earlier record of the same key is parked, and has to be retried or discarded first; GET /parked says which",
    "not-owner": "this worker does not own the aggregate's partition for certain: ask again",
    "not-parked": "no record of this topic, partition and offset is parked: GET /parked lists them",
    "not-ready": "waiting for partition 1",
    "not-yet": "the write that the Consistency-Token names is not visible yet: ask again, or wait longer (Prefer: wait=N)",
    "nothing-kept": "no earlier rows of this code are kept: a rebuild makes new ones",
    "other-build": "a rebuild is under way, or paused: let it come to its end first",
    "overloaded": "the worker has as much to do as it can: ask again later",
    "parked": "the command was parked: an operator has to release or discard it",
    "stuck": "the consumer's thread has made no progress for 60 s",
    "token-not-applicable": "the Consistency-Token is of another write",
    "too-large": "the body is larger than 1048576 bytes",
    "too-many-writes": "as many writes wait as may: send the same again later, with the same Idempotency-Key",
    "undecodable": "the body is not JSON that can be read",
    "unknown-customer": "there is no customer of this id",
    "unknown-product": "there is no product of this id",
    "unknown-table": "the tables are history, order_summary",
    "unreadable": "events.order [1] 7 cannot be read (its checksum is wrong): an operator has to restore or skip it",
    "unsupported-media-type": "send the body as application/json",
    "version-conflict": "expected version 3, the aggregate is at 4",
    "view-rebuilding": "the rows of the table are made anew for the code that runs now: ask again",
    "view-recovering": "the aggregate's view is not up to date yet: ask again",
    "view-stopped": "the aggregate's view is stopped until an operator acts: events.order [1] 7: OrderPlaced has schemaVersion 3, this code knows 2",
}
"""Error codes, each with an example of its `detail` for OpenAPI."""


class ProblemDetails(BaseModel):
    """Body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    state: Annotated[str | None, WithJsonSchema({"type": "string"})] = None
    """State of the order, reservation or payment; left out if there is none."""


class Problem(Exception):  # noqa: N818 (RFC 9457 calls it so)
    """Error that ends a request with problem details. `state` is that of the order, reservation or payment that the request names."""

    def __init__(self, status: int, code: str, detail: str, *, state: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.details = ProblemDetails(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail, state=state)
        self.headers = headers

    def response(self) -> JSONResponse:
        """Return the HTTP response."""
        return JSONResponse(self.details.model_dump(exclude_none=True), self.details.status, self.headers, MEDIA_TYPE)


def later(code: str, detail: str) -> Problem:
    """Return a 503 with Retry-After, for a valid request that cannot be answered now."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def break_off(request: Request, why: str) -> None:
    """Abort the connection in the middle of a response, so that the client sees that the response is incomplete."""
    log.warning("the answer to %s %s breaks off: %s", request.method, request.url.path[:200], why)
    request.state.abort()


def install(web: FastAPI) -> None:
    """Install the handlers that answer every error with problem details."""
    web.add_exception_handler(Problem, _problem)
    web.add_exception_handler(RequestValidationError, _unreadable)
    web.add_exception_handler(HTTPException, _http)
    web.add_exception_handler(Exception, _failed)


async def _problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return problem.response()


async def _unreadable(_request: Request, error: Exception) -> JSONResponse:
    """Answer with the names of the invalid fields, never with their values."""
    assert isinstance(error, RequestValidationError)
    faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
    return Problem(422, "invalid", "; ".join(faults)[:500]).response()


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not-found"}.get(error.status_code, "http")
    detail = f"{request.method} {request.url.path[:200]}: {error.detail}; see /docs"
    return unrouted(request, Problem(error.status_code, code, detail, headers=error.headers)).response()


def unrouted(request: Request, problem: Problem) -> Problem:
    """Return the Problem for a request without a route. A forwarded request had one at its sender, so it gets a 503 that says nothing about the resource."""
    if FORWARDED not in request.headers:
        return problem
    return later("not-owner", "this worker has no such path: it is of another version, or what is between the workers changes paths")


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path[:200], exc_info=error)
    return Problem(500, "failed", "the worker met an error of its own, which its log has").response()


def documented(**codes: str) -> Responses:
    """Document the errors of a route: `_404="not-found"`, `_503="no-owner, not-owner: what to do"`. The codes before the colon are all codes of that status.

    All errors have one schema, so that clients have one class for them. The codes are the names of the examples.
    """
    return {int(status[1:]): _documented(int(status[1:]), what) for status, what in codes.items()}


def _documented(status: int, what: str) -> dict[str, Any]:
    codes = what.partition(":")[0].split(", ")
    headers = {}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        codes, headers = [*dict.fromkeys(["overloaded", *codes])], {"headers": {"Retry-After": HEADERS["Retry-After"]}}
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"headers": {"Allow": HEADERS["Allow"]}}
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    examples = {code: {"value": Problem(status, code, PROBLEM_CODES[code]).details.model_dump(exclude_none=True)} for code in codes}
    return {"description": what, "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}}, **headers}
