"""Framing of requests: a body is never read as a request, whatever its head says and however it is cut (RFC 9112; docs/decisions/0033)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.web.http.connection import HEAD_BYTES, BoundedConnection
from tests.support.http.messages import CHUNKED, CLOSED, H2C, INNER, LAST, READ, REFUSED, Read, chunks, order, post, sized
from tests.support.http.raw import statuses
from tests.support.http.recorder import Seen, cut, recording

Segments = Callable[[bytes], Sequence[bytes]]


def whole(message: bytes) -> Sequence[bytes]:
    """Return the message as one segment."""
    return [message]


def head_first(message: bytes) -> Sequence[bytes]:
    """Return the first head, and the rest."""
    return cut(message, message.find(b"\r\n\r\n") + 4)


def byte_by_byte(message: bytes) -> Sequence[bytes]:
    """Return a segment for each byte."""
    return cut(message, *range(1, len(message)))


async def all_of(
    messages: Mapping[str, bytes], segments: Segments, connection: type[HttpToolsProtocol] = BoundedConnection
) -> dict[str, tuple[list[Seen], bytes]]:
    """Send each message over a connection of its own. Return the requests seen, and the bytes received."""
    async with recording(connection) as recorder:
        told = await asyncio.gather(*(recorder.told(*segments(message)) for message in messages.values()))
    return dict(zip(messages, told, strict=True))


async def is_read(
    expected: Mapping[str, Read], segments: Segments, behind: bytes, then: Sequence[Seen], connection: type[HttpToolsProtocol] = BoundedConnection
) -> None:
    """Assert that exactly the requests of each message are seen, and `then` of those sent behind."""
    told = await all_of({name: read.message + behind for name, read in expected.items()}, segments, connection)

    assert {name: seen for name, (seen, _) in told.items()} == {name: [*read.requests, *then] for name, read in expected.items()}
    assert {name: statuses(got) for name, (_, got) in told.items()} == {name: [200] * len(told[name][0]) for name in expected}


@pytest.mark.parametrize("segments", [whole, head_first, byte_by_byte])
async def test_each_request_is_seen_as_it_was_sent_and_nothing_in_its_body_is_another(segments: Segments) -> None:
    messages = {name: read for name, read in READ.items() if segments is not byte_by_byte or len(read.message) < 1_000}
    await is_read(messages, segments, LAST, [Seen("GET", "/last")])


@pytest.mark.parametrize("segments", [whole, head_first])
async def test_behind_the_last_request_of_a_connection_nothing_is_read(segments: Segments) -> None:
    await is_read(CLOSED, segments, LAST, [])


@pytest.mark.parametrize("segments", [whole, head_first])
async def test_what_two_programs_may_read_differently_is_refused_with_all_that_comes_behind(segments: Segments) -> None:
    told = await all_of({name: message + LAST for name, message in REFUSED.items()}, segments)

    assert {name: (seen, statuses(got)) for name, (seen, got) in told.items() if seen or statuses(got) not in ([400], [501], [505])} == {}
    assert {name for name, (_, got) in told.items() if b'"code":"no-http"' not in got or b"connection: close" not in got} == set()


@pytest.mark.control
async def test_a_server_that_stops_reading_at_an_offer_is_found() -> None:
    offers = {name: read for name, read in READ.items() if "h2c" in name}

    with pytest.raises(AssertionError, match="/customers"):
        await is_read(offers, head_first, LAST, [Seen("GET", "/last")], HttpToolsProtocol)


async def test_trailers_are_no_headers() -> None:
    async with recording() as recorder:
        await recorder.told(post(CHUNKED, chunks(b"{}", trailers=b"Idempotency-Key: late\r\n")), LAST)

        assert [name for name, _ in recorder.headers["/orders"]] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize("behind", [b"nonsense\r\n\r\n", post(CHUNKED, b"nonsense\r\n")])
async def test_requests_before_one_that_is_none_are_answered_each_in_its_place(behind: bytes) -> None:
    async with recording() as recorder:
        seen, got = await recorder.told(sized(b"", b"{}") + behind + LAST)

    assert (seen, statuses(got)) == ([order(b"{}")], [200])


async def test_a_client_that_is_answered_without_being_asked_for_its_body_may_leave_it_out() -> None:
    async with recording(_Unread) as recorder:
        seen, got = await recorder.told(post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(INNER)), INNER, LAST)

    assert (seen, statuses(got)) == ([], [200])
    assert b"connection: close" in got


async def test_an_answer_without_a_length_has_no_chunks_for_http_1_0() -> None:
    async with recording() as recorder:
        _, old = await recorder.told(b"GET /streamed HTTP/1.0\r\n\r\n")
        _, new = await recorder.told(b"GET /streamed HTTP/1.1\r\nHost: some\r\nConnection: close\r\n\r\n")

    assert old.endswith(b"\r\n\r\n{}")
    assert b"transfer-encoding" not in old
    assert new.endswith(b"2\r\n{}\r\n0\r\n\r\n")


@pytest.mark.parametrize("endless", [b"2;" + b"a" * HEAD_BYTES, b"0\r\nX-Some: " + b"a" * HEAD_BYTES, b"0\r\n" + b"X-Some: a\r\n" * (HEAD_BYTES // 8)])
async def test_extensions_and_trailers_without_end_are_refused(endless: bytes) -> None:
    async with recording() as recorder:
        seen, got = await recorder.told(post(H2C + CHUNKED, b"2\r\n{}\r\n"), endless[: HEAD_BYTES // 2], endless[HEAD_BYTES // 2 :] + b"a")

    assert (seen, statuses(got)) == ([], [431])


class _Unread(BoundedConnection):
    """Connection class for an application that answers before it reads a body."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (uvicorn's own signature)
        super().__init__(*args, **kwargs)
        self.app = _at_once


async def _at_once(_scope: object, _receive: object, send: Any) -> None:  # noqa: ANN401 (an ASGI application)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"{}"})
