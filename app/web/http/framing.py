"""What the head of a request must be, so that every program on its way reads the same messages from one connection (RFC 9112; docs/decisions/0033).

The parser refuses lengths, line ends and characters that can be read in two ways. Here is what it lets pass.
"""

import re
from collections.abc import Iterable, Mapping

from uvicorn._types import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, ASGISendEvent, Scope
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from app.web.http.problems import Problem

_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=:%\[\]-]*")
_SCHEME_AND_AUTHORITY = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


def combined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """One value for each name: several lines mean the same as one that lists their values (RFC 9110, section 5.3)."""
    lines: dict[bytes, bytes] = {}
    for name, value in headers:
        lines[name] = b"%b, %b" % (lines[name], value) if name in lines else value.strip(b" \t")
    return lines


def check(method: bytes, target: bytes, version: str, headers: Mapping[bytes, bytes]) -> None:
    """A Problem for a head that is not of HTTP/1.0 or 1.1, or that others may read differently; header names are in lower case."""
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
    """The path and query of a request target that may be a whole URL (RFC 9112, section 3.2.2)."""
    if target[:1] in {b"/", b"*"}:
        return target
    rest = _SCHEME_AND_AUTHORITY.sub(b"", target, count=1)
    return rest if rest.startswith(b"/") else b"/" + rest


def answered(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """The application as the client of this request can understand it: uvicorn answers each as one of HTTP/1.1 that sends its whole body."""
    if cycle.scope["http_version"] == "1.0":
        return _unchunked(cycle, app)
    return _closing(cycle, app) if cycle.waiting_for_100_continue else app


def _unchunked(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """HTTP/1.0 has neither chunks nor 100 Continue: an answer without a length ends with the connection."""

    async def unchunked(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def plain(message: ASGISendEvent) -> None:
            if message["type"] == "http.response.body":
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        cycle.chunked_encoding, cycle.waiting_for_100_continue = False, False
        await app(scope, receive, plain)

    return unchunked


def _closing(cycle: RequestResponseCycle, app: ASGI3Application) -> ASGI3Application:
    """A client that was answered without being asked for its body may leave it out: what it sends next could be either, so nothing more is read."""

    async def closing(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        async def last(message: ASGISendEvent) -> None:
            if cycle.waiting_for_100_continue:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, last)

    return closing
