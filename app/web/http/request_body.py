"""Request bodies: JSON as strict as commands are, read with a bound on size and time."""

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
"""A larger body is refused (contract, section 4)."""

BODY_S = 10.0
"""A client that has not sent its body after this long is let go (seconds)."""

Model = TypeVar("Model", bound=Command)


async def read(request: Request, model: type[Model]) -> Model:
    """The body as `model`, which may be left out if the model requires nothing; a Problem says what is wrong with it."""
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
    """A Problem for anything but JSON in UTF-8 that is sent as it is."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported-media-type", "send the body as it is, without Content-Encoding", headers={"Accept-Encoding": "identity"})
    if (kind := request.headers.get("content-type", "")) != JSON and not _is_json(kind):
        raise Problem(415, "unsupported-media-type", "send the body as application/json, in UTF-8")


def _is_json(kind: str) -> bool:
    message = Message()
    message["Content-Type"] = kind
    return message.get_content_type() == JSON and str(message.get_param("charset", "utf-8")).lower() in {"utf-8", "utf8", "us-ascii"}


def parsed(model: type[Model], fields: object) -> Model:
    """What the body says, as `model`; a Problem says what is wrong with it."""
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
    """For OpenAPI: that a route takes one of these bodies."""
    schemas = [{"$ref": f"#/components/schemas/{model.__name__}"} for model in models]
    examples = {model.__name__: {"value": EXAMPLES[model]} for model in models}
    content = {"schema": schemas[0] if len(schemas) == 1 else {"oneOf": schemas}, "examples": examples}
    return {"requestBody": {"required": any(map(_is_required, models)), "content": {"application/json": content}}}
