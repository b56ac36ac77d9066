"""Messages of clients and attackers: valid ones as RFC 9112 defines them, and those that two programs on the way may read differently."""

from collections.abc import Mapping
from typing import NamedTuple

from tests.support.http.recorder import Seen

INNER = b"POST /customers HTTP/1.1\r\nHost: some\r\nContent-Length: 2\r\n\r\n[]"
"""Request that stands in the body of another."""

LAST = b"GET /last HTTP/1.1\r\nHost: some\r\nConnection: close\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
WEBSOCKET = b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def post(headers: bytes, body: bytes = b"", path: bytes = b"/orders", version: bytes = b"1.1") -> bytes:
    """Return a POST with these header lines besides Host."""
    return b"POST %b HTTP/%b\r\nHost: some\r\n%b\r\n%b" % (path, version, headers, body)


def sized(headers: bytes, body: bytes) -> bytes:
    """Return a POST with a Content-Length."""
    return post(headers + b"Content-Length: %d\r\n" % len(body), body)


def chunks(*parts: bytes, trailers: bytes = b"") -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"


class Read(NamedTuple):
    """Valid message, and the requests that it contains."""

    message: bytes
    requests: list[Seen]


def order(body: bytes) -> Seen:
    """Return the request that this module's messages contain."""
    return Seen("POST", "/orders", body)


READ: Mapping[str, Read] = {
    "a length": Read(sized(b"", INNER), [order(INNER)]),
    "no body": Read(post(b""), [order(b"")]),
    "chunks": Read(post(CHUNKED, chunks(INNER, b"more")), [order(INNER + b"more")]),
    "h2c, a length": Read(sized(H2C, INNER), [order(INNER)]),
    "h2c, chunks": Read(post(H2C + CHUNKED, chunks(INNER)), [order(INNER)]),
    "h2c, no body": Read(post(H2C), [order(b"")]),
    "websocket, a length": Read(sized(WEBSOCKET, INNER), [order(INNER)]),
    "websocket, chunks": Read(post(WEBSOCKET + CHUNKED, chunks(INNER)), [order(INNER)]),
    "two offers": Read(sized(b"Connection: Upgrade\r\nUpgrade: h2c\r\nUpgrade: TLS/1.0, IRC/6.9\r\n", INNER), [order(INNER)]),
    "an offer after the length": Read(post(b"Content-Length: %d\r\n" % len(INNER) + H2C, INNER), [order(INNER)]),
    "line ends before a request in the body of an offer": Read(sized(H2C, b"\r\n" * 1_000 + INNER), [order(b"\r\n" * 1_000 + INNER)]),
    "offers one behind the other": Read(sized(H2C, INNER) + post(H2C + CHUNKED, chunks(INNER)) + sized(b"", b"{}"), [order(INNER), order(INNER), order(b"{}")]),
    "an offer without Connection": Read(sized(b"Upgrade: h2c\r\n", INNER), [order(INNER)]),
    "pipelined": Read(sized(b"", INNER) + sized(b"", b"{}") + post(CHUNKED, chunks(b"[]")), [order(INNER), order(b"{}"), order(b"[]")]),
    "a body of a GET": Read(b"GET /orders HTTP/1.1\r\nHost: some\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER, [Seen("GET", "/orders", INNER)]),
    "chunk extensions": Read(post(CHUNKED, b'2;a=b;c="d;e"\r\n{}\r\n0;f\r\n\r\n'), [order(b"{}")]),
    "trailers": Read(post(CHUNKED, chunks(INNER, trailers=b"Idempotency-Key: late\r\nX-Sum: 1\r\n")), [order(INNER)]),
    "an offer in the trailers": Read(post(b"Connection: Upgrade\r\n" + CHUNKED, chunks(INNER, trailers=b"Upgrade: h2c\r\n")), [order(INNER)]),
    "capital letters": Read(post(b"TRANSFER-ENCODING: Chunked\r\n", chunks(INNER)), [order(INNER)]),
    "expects to be asked": Read(post(b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"{}"), [order(b"{}")]),
    "a whole URL": Read(b"GET http://some:80/orders?a=b HTTP/1.1\r\nHost: other\r\n\r\n", [Seen("GET", "/orders")]),
    "a URL without a path": Read(b"GET http://some HTTP/1.1\r\nHost: some\r\n\r\n", [Seen("GET", "/")]),
    "a URL with a query alone": Read(b"GET http://some?a HTTP/1.1\r\nHost: some\r\n\r\n", [Seen("GET", "/")]),
    "all of the server": Read(b"OPTIONS * HTTP/1.1\r\nHost: some\r\n\r\n", [Seen("OPTIONS", "*")]),
    "dots": Read(b"GET /orders/../%2e%2E/./a//b HTTP/1.1\r\nHost: some\r\n\r\n", [Seen("GET", "/orders/../.././a//b")]),
    "a host's number": Read(b"GET /orders HTTP/1.1\r\nHost: [::1]:6066\r\n\r\n", [Seen("GET", "/orders")]),
    "no host's name": Read(b"GET /orders HTTP/1.1\r\nHost:\r\n\r\n", [Seen("GET", "/orders")]),
}
"""Messages after which the connection stays open."""

CLOSED: Mapping[str, Read] = {
    "to be the last": Read(sized(b"Connection: close\r\n", b"{}") + INNER, [order(b"{}")]),
    "HTTP/1.0": Read(post(b"Content-Length: 2\r\n", b"{}", version=b"1.0") + INNER, [order(b"{}")]),
    "HTTP/1.0, kept open": Read(post(b"Connection: keep-alive\r\nContent-Length: 2\r\n", b"{}", version=b"1.0"), [order(b"{}")]),
    "HTTP/1.0 without a host": Read(b"GET /orders HTTP/1.0\r\n\r\n", [Seen("GET", "/orders")]),
}
"""Messages after which the connection is closed: nothing behind them is read."""

REFUSED: Mapping[str, bytes] = {
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{}"),
    "one length twice": post(b"Content-Length: 2\r\nContent-Length: 2\r\n", b"{}"),
    "a list of lengths": post(b"Content-Length: 2, 2\r\n", b"{}"),
    "a length with a sign": post(b"Content-Length: +2\r\n", b"{}"),
    "a negative length": post(b"Content-Length: -2\r\n", b"{}"),
    "no length": post(b"Content-Length:\r\n", b"{}"),
    "a length in hex": post(b"Content-Length: 0x2\r\n", b"{}"),
    "a length in two words": post(b"Content-Length: 2 2\r\n", b"{}"),
    "a length beyond all": post(b"Content-Length: 99999999999999999999\r\n", b"{}"),
    "chunks and a length": post(CHUNKED + b"Content-Length: 5\r\n", chunks(INNER)),
    "a length and chunks": post(b"Content-Length: 5\r\n" + CHUNKED, chunks(INNER)),
    "chunks and a length behind an offer": post(H2C + CHUNKED + b"Content-Length: 5\r\n", chunks(INNER)),
    "chunked and something else": post(b"Transfer-Encoding: chunked, gzip\r\n", chunks(INNER)),
    "something else and chunked": post(b"Transfer-Encoding: gzip, chunked\r\n", chunks(INNER)),
    "another coding": post(b"Transfer-Encoding: gzip\r\n", INNER),
    "identity": post(b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n", b"{}"),
    "a coding that looks like chunked": post(b"Transfer-Encoding: xchunked\r\n", chunks(INNER)),
    "chunked in quotes": post(b'Transfer-Encoding: "chunked"\r\n', chunks(INNER)),
    "chunked behind a vertical tab": post(b"Transfer-Encoding: \x0bchunked\r\n", chunks(INNER)),
    "chunked twice": post(CHUNKED + CHUNKED, chunks(INNER)),
    "chunks in HTTP/1.0": post(CHUNKED, chunks(INNER), version=b"1.0"),
    "another coding behind an offer": post(H2C + b"Transfer-Encoding: gzip, chunked\r\n", chunks(INNER)),
    "white space before a colon": post(b"Transfer-Encoding : chunked\r\n", chunks(INNER)),
    "a folded line": post(b"X-Some: a\r\n b\r\nContent-Length: 2\r\n", b"{}"),
    "a folded coding": post(b"Transfer-Encoding:\r\n chunked\r\n", chunks(INNER)),
    "white space before the first line": b"POST /orders HTTP/1.1\r\n Host: some\r\n\r\n",
    "a bare CR": post(b"X-Some: a\rContent-Length: 2\r\n", b"{}"),
    "a bare LF": post(b"X-Some: a\nContent-Length: 2\r\n", b"{}"),
    "an empty line with a bare LF": b"POST /orders HTTP/1.1\r\nHost: some\r\nContent-Length: 2\r\n\n{}",
    "NUL": post(b"X-Some: a\0b\r\n"),
    "NUL in a name": post(b"X\0: b\r\n"),
    "no name": post(b": b\r\n"),
    "no colon": post(b"some\r\n"),
    "a chunk's size in words": post(CHUNKED, b"2 \r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with a sign": post(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size with 0x": post(CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size beyond all": post(CHUNKED, b"10000000000000002\r\n{}\r\n0\r\n\r\n"),
    "a chunk's size that ends with LF": post(CHUNKED, b"2\n{}\r\n0\r\n\r\n"),
    "a chunk's extension that ends with LF": post(CHUNKED, b"2;a\n{}\r\n0\r\n\r\n"),
    "a chunk longer than its size": post(CHUNKED, b"2\r\n{}}\r\n0\r\n\r\n"),
    "a chunk that ends with LF": post(CHUNKED, b"2\r\n{}\n0\r\n\r\n"),
    "a length in the trailers": post(CHUNKED, chunks(INNER, trailers=b"Content-Length: 5\r\n")),
    "two hosts": post(b"Host: other\r\n"),
    "no host": b"GET /orders HTTP/1.1\r\n\r\n",
    "no host at all": b"GET /orders HTTP/1.1\r\nHost: a b\r\n\r\n",
    "a tunnel": b"CONNECT some:80 HTTP/1.1\r\nHost: some\r\n\r\n" + INNER,
    "a tunnel to a path": b"CONNECT /orders HTTP/1.1\r\nHost: some\r\nContent-Length: 2\r\n\r\n{}" + INNER,
    "HTTP/0.9": b"GET /orders\r\n\r\n" + INNER,
    "HTTP/1.2": b"GET /orders HTTP/1.2\r\nHost: some\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 in name": b"GET /orders HTTP/2.0\r\nHost: some\r\n\r\n",
    "lower case": b"get /orders HTTP/1.1\r\nHost: some\r\n\r\n",
    "no method of HTTP": b"FETCH /orders HTTP/1.1\r\nHost: some\r\n\r\n",
    "no path": b"GET orders HTTP/1.1\r\nHost: some\r\n\r\n",
    "a fragment": b"GET /orders#a HTTP/1.1\r\nHost: some\r\n\r\n",
    "letters beyond ASCII": "GET /\N{LATIN SMALL LETTER U WITH DIAERESIS} HTTP/1.1\r\nHost: some\r\n\r\n".encode(),
    "tabs in the first line": b"GET\t/orders\tHTTP/1.1\r\nHost: some\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}
"""Messages that are refused: nothing behind them is read as a request."""
