"""Rules for request heads, so that every program on the way reads the same messages from a connection (RFC 9112; docs/decisions/0033).

The parser rejects ambiguous lengths, line ends and characters. This module checks what the parser accepts.
"""

import re
from collections.abc import Iterable, Mapping

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.web.http.problems import Problem

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=:%\[\]-]*")
_SCHEME_AND_AUTHORITY = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


def combined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Combine header lines of the same name into one value. RFC 9110, section 5.3, gives both forms the same meaning."""
    lines: dict[bytes, bytes] = {}
    for name, value in headers:
        lines[name] = b"%b, %b" % (lines[name], value) if name in lines else value.strip(b" \t")
    return lines


def check(method: bytes, target: bytes, version: str, headers: Mapping[bytes, bytes]) -> None:
    """Raise a Problem for a head that is not HTTP/1.0 or 1.1, or that others may read differently. Header names are in lower case."""
    host, coding = headers.get(b"host"), headers.get(b"transfer-encoding")
    if version not in {"1.0", "1.1"}:
        raise Problem(505, "no-http", "send the request as HTTP/1.1")
    if method == b"CONNECT" or b"#" in target:
        raise Problem(400, "no-http", "ask for a path of this server: it is no proxy, and a fragment (#) is never sent")
    if not _HOST.fullmatch(host or b"") or (host is None and version == "1.1"):
        raise Problem(400, "no-http", "send one Host header, with a host and perhaps a port")
    if coding is not None and version == "1.0":
        raise Problem(400, "no-http", "HTTP/1.0 has no Transfer-Encoding: send HTTP/1.1, or a Content-Length")
    if coding is not None and coding.lower() != b"chunked":
        raise Problem(501, "no-http", "send the body as it is, or with Transfer-Encoding: chunked alone")


def origin_form(target: bytes) -> bytes:
    """Return the path and query of a request target, which may be a whole URL (RFC 9112, section 3.2.2)."""
    if target[:1] in {b"/", b"*"}:
        return target
    rest = _SCHEME_AND_AUTHORITY.sub(b"", target, count=1)
    return rest if rest.startswith(b"/") else b"/" + rest


def answered(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """Wrap the application for clients that uvicorn would misunderstand: HTTP/1.0 clients, and those that wait for 100 Continue before sending a body."""
    if cycle.scope["http_version"] == "1.0":
        return _unchunked(cycle, app)
    return _closing(cycle, app) if cycle.waiting_for_100_continue else app


def _unchunked(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """Respond without chunks and without 100 Continue, which HTTP/1.0 does not have. A response without a length ends with the connection."""

    async def unchunked(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def plain(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body":
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        cycle.chunked_encoding, cycle.waiting_for_100_continue = False, False
        await app(scope, receive, plain)

    return unchunked


def _closing(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """Close the connection after a response that was sent before 100 Continue. The client may leave out its body, so what follows would be ambiguous."""

    async def closing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def last(message: ASGISendEvent) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, last)

    return closing
