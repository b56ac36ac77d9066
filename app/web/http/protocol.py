"""HTTP rules for all routes: HEAD wherever there is GET, OPTIONS, the methods of a path, and headers that are text (RFC 9110)."""

from collections.abc import Sequence
from http import HTTPStatus

from fastapi import FastAPI, Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web.http.headers import ASKED
from app.web.http.problems import Problem, unrouted

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ALL = "*"
"""Target of an OPTIONS request about the whole server."""

_READ = frozenset(name.encode() for name in (*ASKED, "idempotency-key"))


class Protocol:
    """ASGI middleware for HEAD, OPTIONS and unreadable headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. HEAD is answered like GET, without a body."""
        if (fault := _unreadable(scope)) is not None:
            await fault.response()(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await _options(scope)(scope, receive, send)
        elif scope["method"] == "HEAD":
            await self._app({**scope, "method": "GET"}, receive, _without_body(send))
        else:
            await self._app(scope, receive, send)


def install(web: FastAPI) -> None:
    """Install the middleware and the response to methods that a path does not have."""
    web.add_middleware(Protocol)
    web.add_exception_handler(HTTPStatus.METHOD_NOT_ALLOWED, _not_allowed)


def allowed(scope: Scope) -> Sequence[str]:
    """Return the methods of a path over all routes, none if the path does not exist."""
    web: FastAPI = scope["app"]
    found = {method for method in METHODS if any(route.matches({**scope, "method": method})[0] == Match.FULL for route in web.routes)}
    found |= {"HEAD"} if "GET" in found else set()
    return [method for method in METHODS if method in found or (found and method == "OPTIONS")]


def _options(scope: Scope) -> Response:
    methods = METHODS if scope["path"] == ALL else allowed(scope)
    if not methods:
        return Problem(404, "not-found", "there is no such path; see /docs").response()
    return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join(methods)})


async def _not_allowed(request: Request, _error: Exception) -> Response:
    methods = ", ".join(allowed(request.scope))
    problem = Problem(405, "method-not-allowed", f"{request.url.path[:200]} takes {methods}", headers={"Allow": methods})
    return unrouted(request, problem).response()


def _without_body(send: Send) -> Send:
    """Pass on the start of a response, without its body."""

    async def head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return head


def _unreadable(scope: Scope) -> Problem | None:
    for name, value in scope["headers"]:
        if not value.isascii() and name in _READ:
            try:
                value.decode()
            except UnicodeDecodeError:
                return Problem(422, "invalid", f"header.{name.decode()}: is not UTF-8")
    return None
