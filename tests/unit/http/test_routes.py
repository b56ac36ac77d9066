"""A route is found by its URL: `/orders/...` in `app/web/routes/orders.py`."""

from importlib import import_module

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route

from app.streams.app import app
from app.web.site import WebServices, create_site

ELSEWHERE = {
    "/healthz": "app.web.routes.health",
    "/readyz": "app.web.routes.health",
    "/openapi.json": "fastapi.applications",
    "/docs": "fastapi.applications",
    "/docs/oauth2-redirect": "fastapi.applications",
    "/redoc": "fastapi.applications",
}
"""Modules of the paths that are not found by their first segment."""

Placed = tuple[str, str]
"""The path of a route, and the module of its function."""


@pytest.fixture(scope="module", name="placed")
def _placed() -> list[Placed]:
    """All routes of a worker; its services are never opened."""
    import_module("app.worker")  # it declares what the routes show
    contexts = [*iter_route_contexts(create_site(app, WebServices.of(app, "http://here")).routes)]
    assert sum(isinstance(context.route, APIRoute) for context in contexts) == 31
    return [(context.path or "", context.route.endpoint.__module__) for context in contexts if isinstance(context.route, Route)]


def misplaced(placed: list[Placed]) -> list[Placed]:
    return [(path, module) for path, module in placed if module != (ELSEWHERE.get(path) or f"app.web.routes.{path.split('/')[1]}")]


def test_each_route_lies_in_the_file_of_its_first_path_segment(placed: list[Placed]) -> None:
    assert misplaced(placed) == []


def test_a_route_in_another_file_is_found(placed: list[Placed]) -> None:
    wrong = ("/orders/{order_id}/refund", "app.web.routes.customers")

    assert misplaced([*placed, wrong]) == [wrong]


def test_paths_that_are_found_elsewhere_are_there(placed: list[Placed]) -> None:
    assert ELSEWHERE.keys() <= {path for path, _ in placed}
