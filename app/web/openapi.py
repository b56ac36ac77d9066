"""OpenAPI descriptions that FastAPI cannot derive from the routes: responses with their headers, and the models of request bodies.

`app.web.http.problems` describes the errors. Client generators take the document literally, so everything in it has to be true.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.web.examples import EXAMPLES
from app.web.http import problems as problem
from app.web.http.problems import HEADERS, ProblemDetails, Responses
from schemas.answers import Answer, Unanswered
from schemas.fields import Id
from schemas.view_answers import EventsAnswer

AggregateId = Annotated[Id, Path(examples=["o-1"])]


def answer(status: int, model: type[Answer], what: str, *headers: str) -> Responses:
    """Return an entry for a route's `responses`: its body, and the headers that it may have."""
    content = {"application/json": {"example": EXAMPLES[model]}}
    return {status: {"model": model, "description": what, "content": content, "headers": {name: HEADERS[name] for name in headers}}}


UNANSWERED = answer(202, Unanswered, "the outcome is not known yet; Location will tell", "Location", "Retry-After")

REFUSED = problem.documented(
    _400="undecodable: the body is no JSON",
    _408="body-too-slow",
    _413="too-large",
    _415="unsupported-media-type",
    _422="invalid: the body, a parameter, or an Idempotency-Key that was used for something else",
    _503="no-broker, no-owner, not-owner, too-many-writes: nothing was done; send the same again after Retry-After seconds",
)

WRITE_RESPONSES = {**REFUSED, **UNANSWERED}
"""Responses that every write may have."""


def created(model: type[Answer]) -> Responses:
    """Return the responses of a route that creates an aggregate."""
    conflict = problem.documented(_409="already-exists, version-conflict, parked")
    return {**conflict, **REFUSED, **answer(201, model, "it is in the log", "Location", "Consistency-Token", "Duplicate")}


def changed(model: type[Answer], unknown: str, *conflicts: str) -> Responses:
    """Return the responses of a route that changes an aggregate. `unknown` is the code if it does not exist, `conflicts` are the codes of 409."""
    errors = problem.documented(_404=unknown, _409=", ".join([*conflicts, "version-conflict", "parked"]))
    return {**errors, **REFUSED, **answer(200, model, "it is in the log", "Consistency-Token", "Duplicate")}


_UNSERVED = "no-owner, not-owner, view-rebuilding, view-recovering, view-stopped: ask again after Retry-After seconds"

LIST_ERRORS = problem.documented(_400="token-not-applicable", _412="not-yet", _422="invalid", _503=_UNSERVED)
ROW_ERRORS = problem.documented(_400="token-not-applicable", _404="not-found", _412="not-yet", _422="invalid", _503=_UNSERVED)

HISTORY_RESPONSES = {**answer(200, EventsAnswer, "the history"), **ROW_ERRORS}


def shown(model: type[Answer]) -> Responses:
    """Return the responses of a route that shows a row."""
    unchanged = {"description": "it is as If-None-Match says", "headers": {"ETag": HEADERS["ETag"]}}
    return {**answer(200, model, "as the view has it", "ETag"), 304: unchanged}


_SHOWN = frozenset({"example", "examples", "enum", "const"})
"""Keys with values below them, not schemas."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")


def operation_id(route: APIRoute) -> str:
    """Return the name of a client's function for a route: `placeOrder`, `getOrder`. Clients depend on it, so it must not change."""
    words = [*(["get"] if "GET" in (route.methods or ()) else []), *route.name.split("_")]
    return words[0] + "".join(word.capitalize() for word in words[1:])


def describe(web: FastAPI, bodies: Iterable[type[BaseModel]]) -> None:
    """Add the model of errors and those of request bodies, which `request_body` reads without FastAPI."""
    models: list[tuple[Any, Literal["validation"]]] = [(model, "validation") for model in (ProblemDetails, *bodies)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    made = web.openapi

    def openapi() -> dict[str, Any]:
        if web.openapi_schema is None:
            made()["components"]["schemas"].update(schemas["$defs"])
            _correct(web.openapi_schema)
        return made()

    web.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _correct(node: Any) -> None:  # noqa: ANN401 (any part of the document)
    """Mark each integer as int64, where generators would assume 32 bits. Remove a default of null where null is not a valid value."""
    if isinstance(node, dict):
        if node.get("type") == "integer":
            node |= {"format": "int64"} | {name: int(node[name]) for name in _BOUNDS if name in node}
        if "type" in node and node.get("default", 0) is None:
            del node["default"]
        for name, part in node.items():
            if name not in _SHOWN:
                _correct(part)
    elif isinstance(node, list):
        for part in node:
            _correct(part)
