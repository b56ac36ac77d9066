"""Where clients reach the workers, when that is not the root of a host: behind a proxy, under a path (FOLDSTREAM_PUBLIC_URL)."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.streams.tasks.ownership import FORWARDED

_FORWARDED = FORWARDED.lower().encode()


class PublicUrl:
    """ASGI middleware: paths may begin with that of the public URL, and the public URL stands before the path in `Location`.

    The worker that was asked puts it there, not the one that it asks in turn.
    """

    def __init__(self, app: ASGIApp, url: str) -> None:
        self._app = app
        self._url = url.encode()
        self._path = urlsplit(url).path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""

        async def answered(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [(name, self._public(value) if name == b"location" else value) for name, value in message["headers"]]
            await send(message)

        forwarded = any(name == _FORWARDED for name, _ in scope.get("headers", ()))
        await self._app({**scope, "root_path": self._path}, receive, send if forwarded else answered)

    def _public(self, location: bytes) -> bytes:
        return self._url + location if location.startswith(b"/") else location
