"""HTTP server of the worker, on the worker's own event loop (contract, section 4)."""

import asyncio
import logging
import socket
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from typing import Any

import uvicorn
from mode import Service
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import FoldstreamError
from app.settings import EVERY_ADDRESS, Settings
from app.streams.application import Application
from app.streams.tasks.ownership import MARK, mark
from app.streams.topology import WorkerAddress
from app.web.http.connection import IDLE_S, BoundedConnection
from app.web.site import WebServices, create_site

log = logging.getLogger(__name__)

STOP_S = 2
"""Time for requests in progress when the worker shuts down; after it they are cancelled (seconds)."""

CANCELLED_S = 0.5
"""Time that cancelled requests have to respond (seconds)."""

BACKLOG = 2_048
"""Connections that may wait to be accepted; the system may allow fewer."""


class Server(Service):
    """HTTP service that listens before the first task opens, so that an ownership claim names a port that answers."""

    logger = logging.getLogger("faust.web")

    def __init__(self, app: Application) -> None:
        super().__init__(beacon=app.beacon)
        settings = app.side.settings
        self._socket = listen(settings)
        self.owner = WorkerAddress(_url(settings, self._socket), settings.worker_id or f"{socket.gethostname()}-{self._socket.getsockname()[1]}")
        self._unreachable = settings.advertised_url is None and settings.web_host in EVERY_ADDRESS
        self._services = WebServices.of(app, self.owner.url)
        self._uvicorn = serving(create_site(app, self._services), headers=[(MARK, mark(settings, self.owner.worker_id))])

    async def on_start(self) -> None:
        """Connect to Kafka, then serve requests."""
        await self._services.open()
        for each in self._services.background():
            self.add_future(each)
        self.add_future(self._uvicorn.serve([self._socket]))
        log.info("HTTP at %s", self.owner.url)
        if self._unreachable:
            log.warning("other workers cannot reach this one at %s: set FOLDSTREAM_ADVERTISED_URL, unless it is the only one", self.owner.url)

    async def on_stop(self) -> None:
        """Finish requests in progress within STOP_S and CANCELLED_S, then disconnect."""
        self._uvicorn.should_exit = True
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S + CANCELLED_S):
                while self._uvicorn.started and self._uvicorn.server_state.connections:  # noqa: ASYNC110 (uvicorn has no event for it)
                    await asyncio.sleep(0.05)
        await self._services.close()


def listen(settings: Settings) -> socket.socket:
    """Open the socket of the settings; on `::` it serves IPv6 and IPv4. Raise FoldstreamError if that fails, as when another program has the port."""
    try:
        family, address = _bindable(settings.web_host.strip("[]"), settings.web_port)
        both = family is socket.AF_INET6 and address[0] == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)
    except (OSError, UnicodeError) as error:  # UnicodeError: the host is not a valid name
        why = getattr(error, "strerror", None) or error
        message = f"cannot listen on {settings.web_host}:{settings.web_port} ({why}): set FOLDSTREAM_WEB_HOST or FOLDSTREAM_WEB_PORT"
        raise FoldstreamError(message) from error


def _bindable(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """Return the address of a host, IPv4 if it has one, because other programs on this machine resolve `localhost` to IPv4."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda each: each[0] is not socket.AF_INET)
    return family, address


def _url(settings: Settings, listening: socket.socket) -> str:
    return settings.advertised_url or settings.web_url(listening.getsockname()[1])


def serving(web: ASGIApp, connection: type[HttpToolsProtocol] = BoundedConnection, headers: Sequence[tuple[str, str]] = ()) -> uvicorn.Server:
    """Return the uvicorn server that hands requests to the routes. `headers` are added to every response."""
    server = uvicorn.Server(
        uvicorn.Config(
            web,
            http=connection,
            ws="none",
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            headers=[*headers],
            backlog=BACKLOG,
            timeout_keep_alive=int(IDLE_S),
            timeout_graceful_shutdown=STOP_S,
        )
    )
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # the worker has its own
    return server
