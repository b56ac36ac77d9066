"""Around all routes: how much may be under way at the same time. What asks for the worker's health is always answered."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.http.problems import later

REQUESTS = 3_000
"""Fewer than there may be connections: one more is answered, and shortly."""

BODIES_BYTES = 32 << 20
"""Of the bodies of all requests under way: read, they are several times as large."""

SMALL_BYTES = 64 << 10
"""A body up to this size is always taken: large ones do not keep small ones out."""

HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})


class AdmissionControl:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._requests = 0
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 503; also when it is not answered before the worker ends."""
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
        except asyncio.CancelledError:  # uvicorn cancels what is not answered shortly after the worker was asked to end
            if began:
                raise
            await later("overloaded", "this worker is about to end: ask again").response()(scope, receive, send)
        finally:
            self._requests -= 1
            self._bytes -= held
