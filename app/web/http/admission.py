"""Admission control around all routes: bounds on requests in progress and on their bodies. Health checks are always answered."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.http.problems import later

REQUESTS = 3_000
"""Requests in progress, at most. There may be more connections, so that a further request can still be answered, with 503."""

BODIES_BYTES = 32 << 20
"""Size of the bodies of all requests in progress, at most (bytes). Parsed, they take several times as much memory."""

SMALL_BYTES = 64 << 10
"""Size up to which a body is always accepted (bytes), so that large bodies do not keep small ones out."""

HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})


class AdmissionControl:
    """ASGI middleware that bounds the requests in progress."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = 0
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503 if there is too much in progress. A request that the shutdown cancels before its response also gets a 503."""
        if scope["type"] != "http" or scope["path"] in HEALTH:
            await self._app(scope, receive, send)
        elif self._requests >= REQUESTS:
            await later("overloaded", f"{REQUESTS} requests are under way: ask again").response()(scope, receive, send)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        held, began = 0, False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal held
            message = await receive()
            size = len(message.get("body", b""))
            held += size
            self._bytes += size
            if self._bytes > BODIES_BYTES and held > SMALL_BYTES:
                raise later("overloaded", "the bodies of the requests under way take all the room there is: send it again")
            return message

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal began
            began = True
            await send(message)

        self._requests += 1
        try:
            await self._app(scope, counted, noted)
        except asyncio.CancelledError:  # uvicorn cancels requests that are not answered shortly after the worker was asked to end
            if began:
                raise
            await later("overloaded", "this worker is about to end: ask again").response()(scope, receive, send)
        finally:
            self._requests -= 1
            self._bytes -= held
