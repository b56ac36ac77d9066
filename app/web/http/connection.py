"""A client's connection: what on it is a request (docs/decisions/0033), and an end to everything that uvicorn leaves to the client (docs/decisions/0013).

uvicorn knows one time-out, that of an idle connection, and its fast parser no limit to a head. How long a body may take is said in `body`.
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
"""One more ends the one that has been without a request for longest: slow clients keep nobody out, health checks least of all."""

IDLE_S = 20.0
"""From the connection, or the answer before, to the end of a request's headers."""

HEAD_BYTES = 64 << 10
"""Of a head; also of what frames a body (chunk extensions, trailers) between two parts of it."""

READ_S = 20.0
"""How long a client may leave an answer unread."""

LINGER_S = 2.0
"""How long the rest of a body that nobody needs is read and thrown away: a client that is cut off while it sends would not see its answer."""


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's own, with deadlines, and with one reading of what came: a body is never taken for a request."""

    waiting: ClassVar[dict["BoundedConnection", None]] = {}
    """Those without a request under way, the one that has been so for longest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (uvicorn's own signature)
        super().__init__(*args, **kwargs)
        self.parser = httptools.HttpRequestParser(self)  # uvicorn's own reads on behind a request that is to be the last
        self._unframed_bytes = 0
        self._refused = False
        self._in_head = True
        self._answered: RequestResponseCycle | None = None
        self._incoming: asyncio.TimerHandle | None = None
        self._outgoing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for a request; if there is no room, another one goes."""
        super().connection_made(transport)
        if len(self.connections) > _most():
            next(iter(self.waiting), self).abort()
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more."""
        if self._answered is not None:  # uvicorn tells only the last of the requests that came in one go
            self._answered.disconnected = True
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self.waiting.pop(self, None)
        self._expect(None)
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Read what came; after something that is no HTTP, nothing on this connection is read any more."""
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
        """Parse all. The parser would skip the body of a request that offers another protocol, so that head is parsed again, without the offer."""
        while (behind := self._offer_in(data)) is not None:
            data, head = data[behind:], self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(head)

    def _offer_in(self, data: memoryview) -> int | None:
        """Hand data to the parser: the end of the head at which it stopped, or None when it took all."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            behind: int = offer.args[0]
            return behind
        return None

    def _head_without_offer(self) -> bytes:
        """The head that was parsed last, as it came but for `Upgrade`."""
        first = b"%b %b HTTP/%b" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())
        return b"\r\n".join([first, *(b"%b: %b" % header for header in self.headers if header[0] != b"upgrade"), b"", b""])

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """A request is under way, unless its head has to be parsed again or is no HTTP."""
        headers = combined(self.headers)
        check(self.parser.get_method(), self.url, self.parser.get_http_version(), headers)
        if self.parser.should_upgrade():
            return
        self._in_head, self._unframed_bytes = False, 0
        self.waiting.pop(self, None)
        self._expect(None)
        self.url = origin_form(self.url)
        self.scope["headers"] = list(headers.items())  # without trailers, which the parser adds to its own when they come
        self.scope["state"]["abort"] = self.abort
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._unframed_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of a request is here, unless its head has to be parsed again; it may have been answered before."""
        if self._in_head:
            return
        super().on_message_complete()
        if self.cycle.response_complete:
            self._wait()

    def on_response_complete(self) -> None:
        """Wait for the next request, after what may be left of this one."""
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
        """Not all was sent yet."""
        super().pause_writing()
        if self._outgoing is None:
            self._outgoing = self.loop.call_later(READ_S, self.abort)

    def resume_writing(self) -> None:
        """Enough was sent."""
        super().resume_writing()
        if self._outgoing is not None:
            self._outgoing.cancel()
            self._outgoing = None

    def abort(self) -> None:
        """End it at once."""
        self.transport.abort()

    def _wait(self) -> None:
        self.waiting[self] = None
        self._expect(IDLE_S)

    def _expect(self, within_s: float | None) -> None:
        """Something has to happen in this time, or else this is the end."""
        if self._incoming is not None:
            self._incoming.cancel()
        self._incoming = None if within_s is None else self.loop.call_later(within_s, self.abort)

    def _refuse(self, problem: Problem) -> None:
        """Read nothing more; answer in the place of the request that cannot be read, and let the other side read that before the connection ends."""
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
    """Connections never take the files that the tasks need."""
    return min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
