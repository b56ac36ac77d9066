"""What FastAPI cannot see of the routes, for OpenAPI: answers and their headers, and the models of request bodies. Errors are described in `problem`."""

from collections.abc import Iterable
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from app.web.examples import EXAMPLES
from app.web.problem import HEADERS, ProblemDetails, Responses
from schemas.answers import Answer, Unanswered


def answer(status: int, model: type[Answer], what: str, *headers: str) -> Responses:
    """One of a route's `responses`: its body, and which headers it may have."""
    content = {"application/json": {"example": EXAMPLES[model]}}
    return {status: {"model": model, "description": what, "content": content, "headers": {name: HEADERS[name] for name in headers}}}


UNANSWERED = answer(202, Unanswered, "the outcome is not known yet; Location will tell", "Location", "Retry-After")


def describe(web: FastAPI, bodies: Iterable[type[BaseModel]]) -> None:
    """Add the models of request bodies, which are read by `body`, and that of errors."""
    models: list[tuple[Any, Literal["validation"]]] = [(model, "validation") for model in (ProblemDetails, *bodies)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    made = web.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document["components"]["schemas"].update(schemas["$defs"])
        return document

    web.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it
