"""The worker's HTTP server, on the worker's own event loop (contract, section 4)."""

import asyncio
import logging
import socket
from contextlib import nullcontext

import uvicorn
from fastapi import FastAPI
from mode import Service

from app.errors import FoldstreamError
from app.kernel.application import Application
from app.kernel.owners import Owner, Owners
from app.settings import Settings
from app.web import health, metrics, parked, problem, reads, routes
from app.web.desk import Desk
from app.web.forward import Forwarder
from app.web.lag import Lag
from app.web.parked import ParkedRecords
from app.web.reads import Reads
from app.web.writes import Writes
from schemas.http import Discard

log = logging.getLogger(__name__)

CONNECTIONS = 4_000
"""Connections at the same time; the next is answered 503."""

KEEP_ALIVE_S = 20
STOP_S = 2


class Server(Service):
    """Listens before the first task opens, so that a claim names a port that answers."""

    logger = logging.getLogger("faust.web")

    def __init__(self, app: Application) -> None:
        super().__init__(beacon=app.beacon)
        settings = app.side.settings
        self._socket = listen(settings)
        self.owner = Owner(_url(settings, self._socket), settings.worker_id or f"{socket.gethostname()}-{self._socket.getsockname()[1]}")
        self._owners = Owners(settings)
        self._desk = Desk(app)
        self._forwarder = Forwarder(self._owners, self.owner.url)
        self._lag = Lag(app.side)
        self._uvicorn = _uvicorn(site(app, self._desk, self._forwarder, self._lag))

    async def on_start(self) -> None:
        """Connect, then serve."""
        await self._desk.open()
        await self._forwarder.open()
        self.add_future(self._owners.follow())
        self.add_future(self._lag.follow())
        self.add_future(self._uvicorn.serve([self._socket]))
        log.info("HTTP at %s", self.owner.url)

    async def on_stop(self) -> None:
        """Answer what is under way, for a moment."""
        self._uvicorn.should_exit = True
        async with asyncio.timeout(STOP_S):
            while self._uvicorn.started and self._uvicorn.server_state.connections:  # noqa: ASYNC110 (uvicorn has no event for it)
                await asyncio.sleep(0.05)
        await self._forwarder.close()
        await self._desk.close()


def site(app: Application, desk: Desk, forwarder: Forwarder, lag: Lag) -> FastAPI:
    """All routes."""
    web = FastAPI(title="Foldstream", summary="Orders, event-sourced on Apache Kafka.", version="0.1.0")
    problem.install(web, (*routes.BODIES, Discard))
    web.include_router(routes.routes(Writes(desk, forwarder)))
    web.include_router(reads.routes(Reads(desk, forwarder)))
    web.include_router(parked.routes(ParkedRecords(desk, forwarder, app.side.settings.partitions)))
    web.include_router(health.routes(app))
    web.include_router(metrics.routes(app, lag))
    return web


def listen(settings: Settings) -> socket.socket:
    """The socket of the settings; FoldstreamError when another program has it."""
    try:
        return socket.create_server((settings.web_host, settings.web_port), backlog=1_024)
    except OSError as error:
        message = f"cannot listen on {settings.web_host}:{settings.web_port} ({error.strerror}): set FOLDSTREAM_WEB_HOST or FOLDSTREAM_WEB_PORT"
        raise FoldstreamError(message) from error


def _url(settings: Settings, listening: socket.socket) -> str:
    return settings.advertised_url or f"http://{settings.web_host}:{listening.getsockname()[1]}"


def _uvicorn(web: FastAPI) -> uvicorn.Server:
    server = uvicorn.Server(
        uvicorn.Config(
            web,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
            h11_max_incomplete_event_size=64 << 10,
        )
    )
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # the worker has its own
    return server
