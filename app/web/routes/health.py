"""`GET /healthz` and `GET /readyz`: liveness and readiness of the worker."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from app.streams.application import Application
from app.web import openapi
from app.web.http import problems as problem
from app.web.http.problems import later
from app.web.monitoring.liveness import LivenessMonitor
from schemas.answers import Alive, Ready


def routes(app: Application, vitals: LivenessMonitor) -> APIRouter:
    """Return the routes `/healthz` and `/readyz`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", responses={**openapi.answer(200, Alive, "it goes on"), **problem.documented(_503="stuck: start it again")})
    async def healthz() -> Response:
        """Check that the event loop, the consumer's thread and the tasks with work make progress. On 503, restart the worker. A broker outage gives no 503."""
        if stuck := vitals.stuck():
            raise later("stuck", f"no progress: {', '.join(stuck)}: start the worker again")
        return JSONResponse({"status": "alive"})

    @router.get("/readyz", responses={**openapi.answer(200, Ready, "it serves"), **problem.documented(_503="not-ready")})
    async def readyz() -> Response:
        """Check that all assigned partitions are open and that the group is not rebalancing."""
        if waiting := app.tables.served.unserved():
            raise later("not-ready", f"waiting for {', '.join(waiting)}")
        return JSONResponse({"status": "ready"})

    return router
