"""Public URL under which clients reach the workers behind a proxy, with its path if it has one (FOLDSTREAM_PUBLIC_URL)."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.streams.tasks.ownership import FORWARDED

_FORWARDED = FORWARDED.lower().encode()


class PublicUrl:
    """ASGI middleware for the public URL: request paths may begin with its path, and `Location` begins with the public URL.

    The worker that received the request adds it, not the worker to which it forwards.
    """

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._url = url.encode()
        self._path = urlsplit(url).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, and complete its `Location`."""

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._public(value) if name == b"location" else value) for name, value in message["headers"]]
            await send(message)

        forwarded = any(name == _FORWARDED for name, _ in scope.get("headers", ()))
        await self._app({**scope, "root_path": self._path}, receive, send if forwarded else answered)

    def _public(self, location: bytes) -> bytes:
        return self._url + location if location.startswith(b"/") else location
