"""Whether the worker lives, and whether it serves."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from app.kernel.application import Application


def routes(app: Application) -> APIRouter:
    """`/healthz` and `/readyz`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> dict[str, Any]:
        """The event loop makes progress: it answers."""
        return {"status": "alive"}

    @router.get("/readyz", responses={503: {"description": "partitions that are assigned are not served"}})
    async def readyz() -> JSONResponse:
        """All assigned partitions are open, and the group is not rebalancing."""
        waiting = app.tables.unserved()
        status = 200 if waiting == [] else 503
        return JSONResponse({"status": "ready" if status == 200 else "not ready", "waiting": waiting}, status)  # noqa: PLR2004 (HTTP)

    return router
