"""HTTP server of the worker, on the worker's own event loop (contract, section 4)."""

import asyncio
import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import nullcontext, suppress
from importlib.metadata import version
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from mode import Service
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.errors import FoldstreamError
from app.settings import EVERY_ADDRESS, Settings
from app.streams.application import Application
from app.streams.tasks.ownership import MARK, PartitionOwners, mark
from app.streams.topology import WorkerAddress
from app.web import openapi
from app.web.gateway.desk import Desk
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.writes import CommandEndpoint
from app.web.http import problems as problem
from app.web.http import protocol
from app.web.http.admission import AdmissionControl
from app.web.http.connection import IDLE_S, BoundedConnection
from app.web.http.public_url import PublicUrl
from app.web.monitoring.lag import LagMonitor
from app.web.monitoring.liveness import LivenessMonitor, parts
from app.web.queries.event_pages import EventPages
from app.web.queries.event_stream import OrderEventStream
from app.web.queries.history import HistoryQuery
from app.web.queries.lists import PartitionedList
from app.web.queries.rows import RowQuery
from app.web.routes import commands, customers, events, health, metrics, orders, parked, products, sagas, tables
from app.web.routes.commands import AGGREGATES, CommandResultQuery
from app.web.routes.parked import ParkedEndpoint
from app.web.routes.tables import RebuildEndpoint, TableRowsEndpoint

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
        self._owners = PartitionOwners(settings)
        self._desk = Desk(app)
        self._forwarder = Forwarder(self._owners, self.owner.url)
        self._lag = LagMonitor(settings, app.followed())
        self._pages = EventPages(settings, _logs(settings))
        self._vitals = LivenessMonitor(lambda: parts(app, self._lag))
        self._uvicorn = serving(
            site(app, self._desk, self._forwarder, self._lag, self._pages, self._vitals), headers=[(MARK, mark(settings, self.owner.worker_id))]
        )

    async def on_start(self) -> None:
        """Connect to Kafka, then serve requests."""
        await self._desk.open()
        await self._forwarder.open()
        self.add_future(self._owners.follow())
        self.add_future(self._lag.follow())
        self.add_future(self._vitals.watch())
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
        await self._forwarder.close()
        await self._pages.close()
        await self._desk.close()


def site(  # noqa: PLR0913, PLR0917 (dependencies of the routes)
    app: Application, desk: Desk, forwarder: Forwarder, lag: LagMonitor, pages: EventPages, vitals: LivenessMonitor
) -> FastAPI:
    """Return the application with all routes."""
    web = _described(app.side.settings)
    for router in _routers(app, desk, forwarder, lag, pages, vitals):
        web.include_router(router)
    return web


def _described(settings: Settings) -> FastAPI:
    """Return an application without routes, with our OpenAPI document and error responses."""
    public = settings.public_url
    web = FastAPI(
        title="Foldstream",
        summary="Orders, event-sourced on Apache Kafka.",
        version=version("foldstream"),
        responses=problem.documented(_405="method-not-allowed", _500="failed", _503="overloaded"),
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
        root_path_in_servers=False,
        servers=None if public is None else [{"url": public}],
    )
    web.add_middleware(AdmissionControl)
    problem.install(web)
    protocol.install(web)
    if public is not None:
        web.add_middleware(PublicUrl, url=public)
    openapi.describe(web, [body for prefix in (orders, products, customers, parked, sagas, tables) for body in prefix.BODIES])
    return web


def _routers(  # noqa: PLR0913, PLR0917 (as above)
    app: Application, desk: Desk, forwarder: Forwarder, lag: LagMonitor, pages: EventPages, vitals: LivenessMonitor
) -> Iterator[APIRouter]:
    """Yield the routers in the order of the document. The first route that matches a request answers it."""
    partitions = app.side.settings.partitions
    writes = CommandEndpoint(desk, forwarder)
    yield orders.write_routes(writes)
    yield products.write_routes(writes)
    yield customers.write_routes(writes)
    yield sagas.write_routes(writes)
    yield commands.routes(CommandResultQuery(desk, forwarder))
    rows, lists = RowQuery(desk, forwarder), PartitionedList(desk, forwarder, partitions)
    yield orders.row_routes(rows)
    yield products.row_routes(rows)
    yield customers.row_routes(rows)
    yield orders.list_routes(lists)
    yield orders.saga_routes(rows)
    yield sagas.list_routes(lists)
    histories = HistoryQuery(desk, forwarder)
    yield orders.history_routes(histories)
    yield products.history_routes(histories)
    yield customers.history_routes(histories)
    yield orders.stream_routes(OrderEventStream(desk, forwarder))
    yield events.routes(pages, partitions)
    yield parked.routes(ParkedEndpoint(desk, forwarder, partitions))
    models = {model.agent: model for model in app.view.models}
    yield tables.rebuild_routes(RebuildEndpoint(desk, forwarder, [*models]), partitions)
    yield tables.row_routes(TableRowsEndpoint(desk, forwarder, models), partitions)
    yield health.routes(app, vitals)
    yield metrics.routes(app, lag)


def _logs(settings: Settings) -> dict[str, str]:
    """Return the topic of each event type."""
    return {event_type: settings.topic(f"events.{each.decider.topic}") for each in AGGREGATES.values() for event_type in each.decider.events}


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
