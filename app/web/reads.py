"""Reads of what the write side knows: the outcome of a command, and an order's snapshot (contract, section 4)."""

import asyncio
import re
from typing import Any

import aiohttp
from aiokafka.errors import KafkaError
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from app.domain.ids import event_id
from app.domain.order import status
from app.web import problem
from app.web.desk import Desk
from app.web.forward import Forwarder
from app.web.problem import Problem, later
from app.web.request import Asked, checked_id
from app.web.token import Token, parse
from app.web.writes import unanswered_yet
from tables import aggregates
from tables.aggregate import Aggregate, Answered, Snapshot
from tables.order import order_aggregate

AGGREGATES = {aggregate.decider.aggregate_type: aggregate for aggregate in aggregates.AGGREGATES}

WAIT_S = 2.0
"""How long a read waits for what its token names (seconds), unless `Prefer: wait=N` says otherwise, up to MOST_WAIT_S."""
MOST_WAIT_S = 30.0
_POLL_S = 0.02

NOT_FOUND = problem.documented(_404="not-found")
BUSY = problem.documented(_503="no-owner, not-owner: ask again after Retry-After seconds")


class Reads:
    """Reads rows where they are owned."""

    def __init__(self, desk: Desk, forwarder: Forwarder) -> None:
        self._desk = desk
        self._forwarder = forwarder

    async def order(self, request: Request, order_id: str) -> Response:
        """An order's id, status and version."""
        elsewhere = await self._elsewhere(request, order_id)
        return elsewhere or _tagged(request, order_id, await self._snapshot(request, order_id))

    async def command(self, request: Request, asked: Asked) -> Response:
        """The result of a command; 202 while it may still come."""
        elsewhere = await self._elsewhere(request, asked.aggregate_id)
        if elsewhere is not None:
            return elsewhere
        try:
            behind = await self._desk.behind(asked)
        except KafkaError as error:
            raise later("no-broker", "Kafka does not answer at the moment: ask again") from error
        aggregate = AGGREGATES[asked.aggregate_type]
        known, order_id = self._desk.read(
            asked.aggregate_id, lambda rows: aggregate.committed_answer(rows, asked.aggregate_id, asked.order_id, asked.command_id)
        )
        if known is not None:
            return JSONResponse(_result(aggregate, asked, known, order_id))
        if behind:
            return unanswered_yet(asked)
        raise Problem(404, "not-found", "no command of this id was answered, or too many have come since: send it again with the same id")

    async def _elsewhere(self, request: Request, aggregate_id: str) -> Response | None:
        """The answer of the worker that owns the aggregate; None when it is this one."""
        partition = self._desk.partition(aggregate_id)
        if self._desk.owns(partition):
            return None
        try:
            return await self._forwarder.ask(request, partition)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise later("no-owner", "the worker that owns the aggregate did not answer: ask again") from error

    async def _snapshot(self, request: Request, order_id: str) -> Snapshot[Any]:
        """The order, at the version that the request's token names or later; a Problem when it does not come in time."""
        least, deadline_s = _least_version(request, order_id), asyncio.get_running_loop().time() + _wait_s(request)
        while True:
            found = self._desk.read(order_id, lambda rows: order_aggregate.committed_snapshot(rows, order_id))
            if found is not None and found.version >= least:
                return found
            if least == 0:
                raise Problem(404, "not-found", "there is no order of this id")
            if asyncio.get_running_loop().time() > deadline_s:
                raise Problem(412, "not-yet", "the write that the Consistency-Token names is not visible yet: ask again, or wait longer (Prefer: wait=N)")
            await asyncio.sleep(_POLL_S)


def routes(reads: Reads) -> APIRouter:
    """All routes that read."""
    router = APIRouter(responses={**NOT_FOUND, **BUSY}, tags=["reads"])

    @router.get("/orders/{order_id}", responses=problem.documented(_400="token-not-applicable", _412="not-yet"))
    async def order(request: Request, order_id: str) -> Response:
        """An order's status and version; at least as new as the Consistency-Token says."""
        return await reads.order(request, checked_id(order_id, "the id in the path"))

    @router.get("/commands/{aggregate_type}/{aggregate_id}/{command_id}", responses=problem.documented(_202="it may still come"))
    async def command(request: Request, aggregate_type: str, aggregate_id: str, command_id: str, orderId: str | None = None) -> Response:  # noqa: N803 (as on the wire)
        """The result of a command; `orderId` is the order that it names, if it names one."""
        if aggregate_type not in AGGREGATES:
            raise Problem(404, "not-found", f"there are {', '.join(AGGREGATES)}")
        ids = checked_id(aggregate_id, "the aggregate's id"), checked_id(command_id, "the command's id")
        return await reads.command(request, Asked(aggregate_type, *ids, orderId if orderId is None else checked_id(orderId, "orderId")))

    return router


def _tagged(request: Request, order_id: str, found: Snapshot[Any]) -> Response:
    tag = f'"{found.version}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse({"orderId": order_id, "status": status(found.state), "version": found.version}, headers={"ETag": tag})


def _least_version(request: Request, order_id: str) -> int:
    given = request.headers.get("consistency-token")
    if given is None:
        return 0
    token = parse(given)
    if token[:2] != Token("Order", order_id, 0)[:2]:
        raise Problem(400, "token-not-applicable", "the Consistency-Token is of another write: only one to this order says what to wait for")
    return token.version


def _wait_s(request: Request) -> float:
    wanted = re.search(r"(?:^|[,;\s])wait=(\d{1,4})", request.headers.get("prefer", ""))
    return WAIT_S if wanted is None else min(float(wanted[1]), MOST_WAIT_S)


def _result(aggregate: Aggregate, asked: Asked, answered: Answered, order_id: str | None) -> dict[str, Any]:
    """A result of the contract, without its metadata."""
    kind = aggregate.decider.aggregate_type
    ids = [event_id(kind, asked.aggregate_id, asked.command_id, index, order_id) for index in range(answered.events)]
    result: dict[str, Any] = {"commandId": asked.command_id, "commandType": answered.command, "aggregateId": asked.aggregate_id, "aggregateType": kind}
    result |= {"outcome": "refused" if answered.code else "accepted", "version": answered.version, "eventIds": ids}
    refusal = {"code": answered.code, "message": answered.message, "state": answered.state}
    return result | ({"refusal": {name: value for name, value in refusal.items() if value is not None}} if answered.code else {})
