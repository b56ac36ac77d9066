"""What goes wrong, as a client sees it: RFC 9457 problem details with a code and a sentence on what to do (contract, section 4)."""

import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Literal

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 1


class ProblemDetails(BaseModel):
    """The body of every error."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    state: str | None = None


class Problem(Exception):  # noqa: N818 (RFC 9457 calls it so)
    """Ends a request with problem details; `state` is that of the order, reservation or payment that the request names."""

    def __init__(self, status: int, code: str, detail: str, *, state: str | None = None, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.details = ProblemDetails(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail, state=state)
        self.headers = headers


def later(code: str, detail: str) -> Problem:
    """Nothing is wrong with the request, but it cannot be answered now: 503 with Retry-After."""
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def install(web: FastAPI, bodies: Iterable[type[BaseModel]]) -> None:
    """Answer every error in this form, and describe it in OpenAPI, beside the models of request bodies."""
    web.add_exception_handler(Problem, _problem)
    web.add_exception_handler(RequestValidationError, _unreadable)
    web.add_exception_handler(HTTPException, _http)
    web.add_exception_handler(Exception, _failed)
    models: list[tuple[Any, Literal["validation"]]] = [(model, "validation") for model in (ProblemDetails, *bodies)]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")
    made = web.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        return document

    web.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


async def _problem(_request: Request, problem: Exception) -> JSONResponse:
    assert isinstance(problem, Problem)
    return JSONResponse(problem.details.model_dump(exclude_none=True), problem.details.status, problem.headers, MEDIA_TYPE)


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    return await _problem(request, Problem(422, "invalid", f"the request's parameters: {error}"[:500]))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "http")
    detail = f"{request.method} {request.url.path[:200]}: {error.detail}; see /docs"
    return await _problem(request, Problem(error.status_code, code, detail, headers=error.headers))


async def _failed(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path[:200], exc_info=error)
    return await _problem(request, Problem(500, "failed", "the worker met an error of its own, which its log has"))


def documented(**codes: str) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the errors of a route, `_404="not-found: ..."`."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}}
    return {int(status[1:]): {"description": what, "content": content} for status, what in codes.items()}
