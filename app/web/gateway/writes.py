"""Writes over HTTP: each is one command, and the response is the command's result (contract, section 4)."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import Request, Response
from fastapi.responses import JSONResponse

from app.client.results import CommandReply
from app.web.gateway.commands import CommandGateway, Unanswered
from app.web.gateway.consistency import ConsistencyToken
from app.web.gateway.forwarding import Forwarder, NoAnswer
from app.web.gateway.local_state import LocalState
from app.web.gateway.request import CommandRef, CommandRequest, command_from_request, derived_id
from app.web.http.problems import Problem
from schemas.envelopes import Command

NOT_FOUND = frozenset({"not-found", "unknown-product", "unknown-customer"})


class CommandEndpoint:
    """Endpoint that sends a command to the owner of its aggregate, and the result to the client."""

    def __init__(self, gateway: CommandGateway, local: LocalState, forwarder: Forwarder) -> None:
        self._gateway = gateway
        self._local = local
        self._forwarder = forwarder

    async def create(self, request: Request, aggregate_type: str, command: Command, **shown: str) -> Response:
        """Send the command that creates an aggregate. The id is in the command, or is derived from the Idempotency-Key."""
        name = aggregate_type.lower()
        identity = getattr(command, f"{name}_id") or derived_id(request, aggregate_type)
        asked = command_from_request(request, aggregate_type, identity, command, leaving_out=f"{name}_id")
        return await self.write(request, asked, 201, {f"{name}Id": identity, **shown}, f"/{name}s/{identity}")

    async def change(self, request: Request, aggregate_type: str, identity: str, command: Command, **shown: str) -> Response:
        """Send a command to an existing aggregate."""
        asked = command_from_request(request, aggregate_type, identity, command)
        return await self.write(request, asked, 200, {f"{aggregate_type.lower()}Id": identity, **shown})

    async def write(self, request: Request, command: CommandRequest, status: int, body: Mapping[str, Any], location: str | None = None) -> Response:
        """Respond with `status`, `body` and the version if the command is accepted, or 202 if its outcome is pending. Raise a Problem otherwise."""
        partition = self._local.partition(command.aggregate_id)
        try:
            if not self._local.owns(partition):
                return await self._forwarded(request, command, partition)
            told = await self._gateway.write(command)
        except Unanswered as unanswered:
            return unanswered_yet(unanswered.asked)
        except asyncio.CancelledError:  # the worker ends: the command may be in Kafka
            return unanswered_yet(command.asked)
        version = _accepted(told)
        headers = {"Consistency-Token": str(ConsistencyToken(command.aggregate_type, command.aggregate_id, version))}
        headers |= {"Location": location} if location else {}
        return JSONResponse({**body, "version": version}, status, headers | _repeated(told))

    async def _forwarded(self, request: Request, command: CommandRequest, partition: int) -> Response:
        try:
            return await self._forwarder.ask(request, partition)
        except NoAnswer as error:
            raise Unanswered(command.asked) from error


def unanswered_yet(asked: CommandRef) -> Response:
    """Return a 202: the outcome is not known yet, and Location says where to query it."""
    return JSONResponse({"commandId": asked.command_id}, 202, {"Location": asked.path, "Retry-After": "1"})


def _accepted(told: CommandReply) -> int:
    """Return the version after the command. Raise a Problem if the command was not accepted."""
    if not told.same_body:
        raise Problem(422, "invalid", "this Idempotency-Key was used for another request to the same aggregate: use a new one")
    result = msgspec.json.decode(told.result)
    if result["outcome"] == "accepted":
        version: int = result["version"]
        return version
    raise _refused(result["outcome"], result["refusal"], _repeated(told))


def _refused(outcome: str, refusal: Mapping[str, Any], headers: Mapping[str, str]) -> Problem:
    code, message = refusal["code"], refusal["message"]
    if outcome == "parked":
        return Problem(409, "parked", f"the command was parked ({code}: {message}): an operator has to release or discard it", headers=headers)
    status = 404 if code in NOT_FOUND else 422 if code == "invalid" else 409
    return Problem(status, code, message, state=refusal.get("state"), headers=headers)


def _repeated(told: CommandReply) -> dict[str, str]:
    return {"Duplicate": "true"} if b'"duplicate":true' in told.result else {}
