"""Site of a worker: its services, and all routes in the order of `/openapi.json` (contract, section 4)."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Self

from fastapi import APIRouter, FastAPI

from app.settings import Settings
from app.streams.application import Application
from app.streams.tasks.ownership import PartitionOwners
from app.web import openapi
from app.web.gateway.commands import CommandGateway
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
from app.web.gateway.writes import CommandEndpoint
from app.web.http import problems as problem
from app.web.http import protocol
from app.web.http.admission import AdmissionControl
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


@dataclass(frozen=True)
class WebServices:
    """Services that the routes of one worker share."""

    local: LocalState
    gateway: CommandGateway
    owners: PartitionOwners
    forwarder: Forwarder
    lag: LagMonitor
    pages: EventPages
    vitals: LivenessMonitor

    @classmethod
    def of(cls, app: Application, own_url: str) -> Self:
        """Create the services, which begin to work once they are opened."""
        settings = app.side.settings
        local, owners, lag = LocalState(app), PartitionOwners(settings), LagMonitor(settings, app.followed())
        return cls(
            local,
            CommandGateway(app, local),
            owners,
            Forwarder(owners, own_url),
            lag,
            EventPages(settings, _logs(settings)),
            LivenessMonitor(lambda: parts(app, lag)),
        )

    async def open(self) -> None:
        """Connect to Kafka, and open the HTTP client."""
        await self.gateway.open()
        await self.forwarder.open()

    def background(self) -> Iterator[Coroutine[None, None, None]]:
        """Yield what has to run beside the requests, without end."""
        yield self.owners.follow()
        yield self.lag.follow()
        yield self.vitals.watch()

    async def close(self) -> None:
        """Disconnect."""
        await self.forwarder.close()
        await self.pages.close()
        await self.gateway.close()


def create_site(app: Application, services: WebServices) -> FastAPI:
    """Return the application with all routes."""
    web = _described(app.side.settings)
    for router in _routers(app, services):
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


def _routers(app: Application, services: WebServices) -> Iterator[APIRouter]:
    """Yield the routers in the order of the document. The first route that matches a request answers it."""
    partitions, local, forwarder = app.side.settings.partitions, services.local, services.forwarder
    writes = CommandEndpoint(services.gateway, local, forwarder)
    yield orders.write_routes(writes)
    yield products.write_routes(writes)
    yield customers.write_routes(writes)
    yield sagas.write_routes(writes)
    yield commands.routes(CommandResultQuery(services.gateway, local, forwarder))
    rows, lists = RowQuery(local, forwarder), PartitionedList(local, forwarder, partitions)
    yield orders.row_routes(rows)
    yield products.row_routes(rows)
    yield customers.row_routes(rows)
    yield orders.list_routes(lists)
    yield orders.saga_routes(rows)
    yield sagas.list_routes(lists)
    histories = HistoryQuery(local, forwarder)
    yield orders.history_routes(histories)
    yield products.history_routes(histories)
    yield customers.history_routes(histories)
    yield orders.stream_routes(OrderEventStream(local, forwarder))
    yield events.routes(services.pages, partitions)
    yield parked.routes(ParkedEndpoint(local, forwarder, partitions))
    models = {model.agent: model for model in app.view.models}
    yield tables.rebuild_routes(RebuildEndpoint(local, forwarder, [*models]), partitions)
    yield tables.row_routes(TableRowsEndpoint(local, forwarder, models), partitions)
    yield health.routes(app, services.vitals)
    yield metrics.routes(app, services.lag)


def _logs(settings: Settings) -> dict[str, str]:
    """Return the topic of each event type."""
    return {event_type: settings.topic(f"events.{each.decider.topic}") for each in AGGREGATES.values() for event_type in each.decider.events}
