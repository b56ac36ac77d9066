"""`GET /metrics`: metrics of the worker for Prometheus (contract, section 6)."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from app.streams.application import Application
from app.web.monitoring.lag import LagMonitor
from app.web.monitoring.metrics_collector import MetricsCollector


def routes(app: Application, lag: LagMonitor) -> APIRouter:
    """Return the route `/metrics`."""
    router, registry = APIRouter(tags=["health"]), CollectorRegistry()
    registry.register(MetricsCollector(app, lag))

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Return the metrics in the text format of Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router
