"""A client's connection, with an end to everything that uvicorn leaves to the client's pleasure (docs/decisions/0013).

uvicorn knows one time-out, that of an idle connection, and its fast parser no limit to a head. How long a body may take is said in `body`.
"""

import asyncio
import resource
from typing import Any, ClassVar

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.web.problem import Problem

CONNECTIONS = 4_000
"""One more ends the one that has been without a request for longest: slow clients keep nobody out, health checks least of all."""

IDLE_S = 20.0
"""From the connection, or the answer before, to the end of a request's headers."""

HEAD_BYTES = 64 << 10
READ_S = 20.0
"""How long a client may leave an answer unread."""

LINGER_S = 2.0
"""How long the rest of a body that nobody needs is read and thrown away: a client that is cut off while it sends would not see its answer."""


class Connection(HttpToolsProtocol):
    """uvicorn's own, with deadlines."""

    waiting: ClassVar[dict["Connection", None]] = {}
    """Those without a request under way, the one that has been so for longest first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (uvicorn's own signature)
        super().__init__(*args, **kwargs)
        self._head_bytes = 0
        self._refused = False
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
        """Whatever came; a head that does not end is refused."""
        if self._refused:
            return
        waited = self in self.waiting
        super().data_received(data)
        if waited and self in self.waiting:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES:
                self._refuse(Problem(431, "head-too-large", f"the head of the request is larger than {HEAD_BYTES} bytes"))

    def on_headers_complete(self) -> None:
        """A request is under way."""
        self.waiting.pop(self, None)
        self._expect(None)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """All of a request is here; it may have been answered before."""
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
        super()._start_asgi_task(cycle, app)

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

    def send_400_response(self, msg: str) -> None:
        """Told to who does not speak HTTP."""
        self._refuse(Problem(400, "no-http", msg))

    def abort(self) -> None:
        """End it at once."""
        self.transport.abort()

    def _wait(self) -> None:
        self._head_bytes = 0
        self.waiting[self] = None
        self._expect(IDLE_S)

    def _expect(self, within_s: float | None) -> None:
        """Something has to happen in this time, or else this is the end."""
        if self._incoming is not None:
            self._incoming.cancel()
        self._incoming = None if within_s is None else self.loop.call_later(within_s, self.abort)

    def _refuse(self, problem: Problem) -> None:
        """Answer, and let the other side read that before the connection ends."""
        told, self._refused = problem.response(), True
        head = [f"HTTP/1.1 {told.status_code} {problem.details.title}".encode(), *(b": ".join(header) for header in told.raw_headers), b"connection: close"]
        self.transport.write(b"\r\n".join([*head, b"", bytes(told.body)]))
        self.waiting.pop(self, None)
        self._expect(LINGER_S)


def _most() -> int:
    """Connections never take the files that the tasks need."""
    return min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
