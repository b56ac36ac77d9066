"""Request bodies: JSON as strict as that of commands, read with limits on size and time."""

import asyncio
from email.message import Message
from functools import cache
from typing import Any, TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from app.eventsourcing.decide import invalid
from app.web.examples import EXAMPLES
from app.web.http.problems import Problem
from schemas.envelopes import Command
from schemas.strict_json import Undecodable, decode

JSON = "application/json"

BODY_BYTES = 1 << 20
"""Size of a body, at most (bytes); a larger one is rejected (contract, section 4)."""

BODY_S = 10.0
"""Time that a client has to send its body (seconds); then the response is 408."""

Model = TypeVar("Model", bound=Command)


async def read(request: Request, model: type[Model]) -> Model:
    """Read the body as `model`. It may be missing if the model requires nothing. Raise a Problem that says what is wrong with it."""
    if not _is_required(model) and not _is_sent(request):
        return parsed(model, {})
    _check_type(request)
    request.state.body = await _raw(request)
    try:
        return parsed(model, decode(request.state.body))
    except Undecodable as error:
        raise Problem(400, "undecodable", f"the body is not JSON that can be read: {error}") from error


@cache
def _is_required(model: type[Command]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _is_sent(request: Request) -> bool:
    return "transfer-encoding" in request.headers or request.headers.get("content-length", "0").strip("0") != ""


def _check_type(request: Request) -> None:
    """Raise a Problem unless the body is JSON in UTF-8 without a content encoding."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported-media-type", "send the body as it is, without Content-Encoding", headers={"Accept-Encoding": "identity"})
    if (kind := request.headers.get("content-type", "")) != JSON and not _is_json(kind):
        raise Problem(415, "unsupported-media-type", "send the body as application/json, in UTF-8")


def _is_json(kind: str) -> bool:
    message = Message()
    message["Content-Type"] = kind
    return message.get_content_type() == JSON and str(message.get_param("charset", "utf-8")).lower() in {"utf-8", "utf8", "us-ascii"}


def parsed(model: type[Model], fields: object) -> Model:
    """Validate the fields of a body as `model`. Raise a Problem that says what is wrong with them."""
    try:
        return model.read(fields)
    except ValidationError as error:
        raise Problem(422, "invalid", invalid(error, "body").message) from error


async def _raw(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_S):
            return await _bounded(request)
    except TimeoutError as error:
        raise Problem(408, "body-too-slow", f"the body did not arrive within {BODY_S:.0f} s") from error


async def _bounded(request: Request) -> bytes:
    raw = bytearray()
    try:
        async for part in request.stream():
            raw += part
            if len(raw) > BODY_BYTES:
                raise Problem(413, "too-large", f"the body is larger than {BODY_BYTES} bytes")
    except ClientDisconnect as error:
        raise Problem(400, "undecodable", "the client went away in the middle of the body") from error
    return bytes(raw)


def documented(*models: type[Command]) -> dict[str, Any]:
    """Document for OpenAPI that a route takes one of these bodies."""
    schemas = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    examples = {model.__name__: {"value": EXAMPLES[model]} for model in models}
    content = {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}, "examples": examples}
    return {"requestBody": {"required": any(map(_is_required, models)), "content": {"application/json": content}}}
