"""Client connections: which bytes are a request (docs/decisions/0033), and limits where uvicorn leaves the client free (docs/decisions/0013).

uvicorn has one timeout, for idle connections, and its fast parser has no limit for a request head. `request_body` limits the time for a body.
"""

import asyncio
import resource
from typing import Any, ClassVar

import httptools
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.web.http.framing import answered, check, combined, origin_form
from app.web.http.problems import Problem

CONNECTIONS = 4_000
"""Connections, at most. A further one ends the connection that has been idle longest, so that slow clients keep out neither others nor health checks."""

IDLE_S = 20.0
"""Timeout from the connection, or the previous response, to the end of a request's headers (seconds)."""

HEAD_BYTES = 64 << 10
"""Size of a request head, at most (bytes); also of the framing (chunk extensions, trailers) between two parts of a body."""

READ_S = 20.0
"""Time that a client may leave a response unread (seconds)."""

LINGER_S = 2.0
"""Time during which the rest of an unneeded body is read and discarded (seconds). A client that is cut off while sending would not see its response."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's connection with deadlines and with unambiguous parsing: a body is never taken for a request."""

    waiting: ClassVar[dict["BoundedConnection", None]] = {}
    """Idle connections, the longest idle first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (uvicorn's own signature)
        super().__init__(*args, **kwargs)
        self.parser = httptools.HttpRequestParser(self)  # uvicorn's own parser continues to read after the last request of a connection
        self._unframed_bytes = 0
        self._refused = False
        self._in_head = True
        self._answered: RequestResponseCycle | None = None
        self._incoming: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a request. If there are too many connections, abort the longest idle one."""
        super().connection_made(transport)
        if len(self.connections) > _most():
            next(iter(self.waiting), self).abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel all timers and mark the request in progress as disconnected."""
        if self._answered is not None:  # uvicorn marks only the last of several pipelined requests
            self._answered.disconnected = True
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.waiting.pop(self, None)
        self._expect(None)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse received data. After data that is not HTTP, ignore everything else on this connection."""
        if self._refused:
            return
        self._unset_keepalive_if_required()
        self._unframed_bytes += len(data)
        try:
            self._parse(memoryview(data))
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause if isinstance(cause, Problem) else Problem(400, "no-http", f"this is not HTTP/1.1: {error}"))
        if self._unframed_bytes > HEAD_BYTES:
            self._refuse(Problem(431, "head-too-large", f"the head of the request is larger than {HEAD_BYTES} bytes"))

    def _parse(self, data: memoryview) -> None:
        """Parse all data. The parser would skip the body of a request with an `Upgrade` header, so such a head is parsed again without that header."""
        while (behind := self._offer_in(data)) is not None:
            data, head = data[behind:], self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)

    def _offer_in(self, data: memoryview) -> int | None:
        """Feed the parser. Return the end of the head with an `Upgrade` at which it stopped, or None if it took all data."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            behind: int = offer.args[0]
            return behind
        return None

    def _head_without_offer(self) -> bytes:
        """Return the head that was parsed last, without its `Upgrade` header."""
        first = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([first, *(b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"), b"", b""])

    def on_message_begin(self) -> None:
        """Note that a request head begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Check the head and begin the request, unless the head has to be parsed again. Raise a Problem if it is not valid HTTP."""
        headers = combined(self.headers)
        check(self.parser.get_method(), self.url, self.parser.get_http_version(), headers)
        if self.parser.should_upgrade():
            return
        self._in_head, self._unframed_bytes = False, 0
        self.waiting.pop(self, None)
        self._expect(None)
        self.url = origin_form(self.url)
        self.scope["headers"] = list(headers.items())  # without trailers, which the parser adds to its own list when they arrive
        self.scope["state"]["abort"] = self.abort
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass on a part of a body."""
        self._unframed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Finish reading a request, unless its head has to be parsed again. If it was answered already, wait for the next one."""
        if self._in_head:
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request, after the rest of this one."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.pause_writing()
        elif self.cycle.response_complete and self.cycle.more_body:
            self._expect(LINGER_S)
        elif self.cycle.response_complete:
            self._wait()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, answered(cycle, app))

    def pause_writing(self) -> None:
        """Start the timeout for unread data, because the send buffer is full."""
        super().pause_writing()
        if self._outgoing is None:
            self._outgoing = self.loop.call_later(READ_S, self.abort)

    def resume_writing(self) -> None:
        """Stop the timeout for unread data, because the client has read enough."""
        super().resume_writing()
        if self._outgoing is not None:
            self._outgoing.cancel()
            self._outgoing = None

    def abort(self) -> None:
        """Abort the connection at once."""
        self.transport.abort()

    def _wait(self) -> None:
        self.waiting[self] = None
        self._expect(IDLE_S)

    def _expect(self, within_s: float | None) -> None:
        """Abort the connection unless this timeout is replaced in time. None stops the timeout."""
        if self._incoming is not None:
            self._incoming.cancel()
        self._incoming = None if within_s is None else self.loop.call_later(within_s, self.abort)

    def _refuse(self, problem: Problem) -> None:
        """Stop reading, and answer the unreadable request with a Problem unless an earlier response is in progress, which then ends the connection.

        The client has LINGER_S to read the Problem before the connection ends.
        """
        if self._refused:
            return
        self._refused = True
        self.pipeline.clear()
        answering = self._answered
        if answering is None or (answering.response_complete and not answering.more_body):
            self._tell(problem)
        elif answering.response_complete:
            self.transport.close()
        elif answering.response_started or not answering.more_body:
            answering.keep_alive = False
        else:
            answering.disconnected = True
            answering.message_event.set()
            self._tell(problem)

    def _tell(self, problem: Problem) -> None:
        told = problem.response()
        first, headers = f"HTTP/1.1 {told.status_code} {problem.details.title}".encode(), [*self.server_state.default_headers, *told.raw_headers]
        self.transport.write(b"\r\n".join([first, *map(b": ".join, headers), b"connection: close", b"", bytes(told.body)]))
        self.waiting.pop(self, None)
        self._expect(LINGER_S)


def _most() -> int:
    """Return the maximum number of connections. At most half of the file descriptors, since the tasks need the others."""
    return min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
