"""`GET /commands/...`: the result of a command, read from the write side (contract, section 4)."""

from typing import Annotated, Any

from aiokafka.errors import KafkaError
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from app.eventsourcing.ids import event_id
from app.handlers.aggregate_repository import AggregateRepository, CommandOutcome
from app.web import openapi
from app.web.gateway.commands import CommandGateway
from app.web.gateway.forwarding import Forwarder
from app.web.gateway.local_state import LocalState
from app.web.gateway.request import CommandRef
from app.web.gateway.writes import unanswered_yet
from app.web.http import headers
from app.web.http import problems as problem
from app.web.http.problems import Problem, later
from schemas.answers import CommandAnswer
from schemas.fields import Id, NotNull
from tables import aggregates
from tables.saga import saga_aggregate

AGGREGATES = {aggregate.decider.aggregate_type: aggregate for aggregate in (*aggregates.AGGREGATES, saga_aggregate)}

UNKNOWN = (
    "no command of this id is known: it never came, or it was answered before the last 256 commands to the aggregate. "
    "It may have been done: look for its id as causationId in the aggregate's history before you send it again"
)

UNREAD = problem.documented(_404="not-found", _422="invalid", _503="no-owner, not-owner: ask again after Retry-After seconds")

AggregateType = Annotated[str, Path(json_schema_extra={"enum": list(AGGREGATES)})]
OrderNamed = Annotated[Id | None, NotNull, Query(alias="orderId", description="the order that the command names, if it names one")]


class CommandResultQuery:
    """Query for the result of a command, answered by the worker that owns the aggregate."""

    def __init__(self, gateway: CommandGateway, local: LocalState, forwarder: Forwarder) -> None:
        self._gateway = gateway
        self._local = local
        self._forwarder = forwarder

    async def command(self, request: Request, asked: CommandRef) -> Response:
        """Return the result of a command, or 202 while it may still come. Raise a Problem (404) if the command is not known."""
        elsewhere = await self._elsewhere(request, asked.aggregate_id)
        if elsewhere is not None:
            return elsewhere
        found = self._found(asked)
        if found is not None:
            return found
        behind = await self._behind(asked)
        found = self._found(asked)
        if found is not None:
            return found
        if behind:
            return unanswered_yet(asked)
        raise Problem(404, "not-found", UNKNOWN)

    async def _behind(self, asked: CommandRef) -> bool:
        try:
            return await self._gateway.has_unread_commands(asked)
        except KafkaError as error:
            raise later("no-broker", "Kafka does not answer at the moment: ask again") from error

    def _found(self, asked: CommandRef) -> Response | None:
        """Return the stored result, or None."""
        aggregate = AGGREGATES[asked.aggregate_type]
        known, order_id, _ = self._local.read(
            asked.aggregate_id, lambda rows: aggregate.committed_answer(rows, asked.aggregate_id, asked.order_id, asked.command_id)
        )
        return None if known is None else JSONResponse(_result(aggregate, asked, known, order_id))

    async def _elsewhere(self, request: Request, aggregate_id: str) -> Response | None:
        """Return the response of the worker that owns the aggregate, or None if this worker owns it."""
        partition = self._local.partition(aggregate_id)
        if self._local.owns(partition):
            return None
        return await self._forwarder.read(request, partition)


def routes(reads: CommandResultQuery) -> APIRouter:
    """Return the route for command results."""
    router = APIRouter(responses=UNREAD, tags=["reads"])

    @router.get("/commands/{aggregate_type}/{aggregate_id}/{command_id}", responses=_COMMAND, dependencies=[headers.FORWARDED])
    async def command(request: Request, aggregate_type: AggregateType, aggregate_id: Id, command_id: Id, order_id: OrderNamed = None) -> Response:
        """Return the result of a command."""
        if aggregate_type not in AGGREGATES:
            raise Problem(404, "not-found", f"there are {', '.join(AGGREGATES)}")
        return await reads.command(request, CommandRef(aggregate_type, aggregate_id, command_id, order_id))

    return router


_COMMAND = {
    **openapi.answer(200, CommandAnswer, "the result"),
    **openapi.UNANSWERED,
    **problem.documented(_503="no-broker, no-owner, not-owner: ask again after Retry-After seconds"),
}


def _result(aggregate: AggregateRepository, asked: CommandRef, answered: CommandOutcome, order_id: str | None) -> dict[str, Any]:
    """Return a result as in the contract, without metadata."""
    kind = aggregate.decider.aggregate_type
    ids = [event_id(kind, asked.aggregate_id, asked.command_id, index, order_id) for index in range(answered.events)]
    result: dict[str, Any] = {"commandId": asked.command_id, "commandType": answered.command, "aggregateId": asked.aggregate_id, "aggregateType": kind}
    result |= {"outcome": "refused" if answered.code else "accepted", "version": answered.version, "eventIds": ids}
    refusal = {"code": answered.code, "message": answered.message, "state": answered.state}
    return result | ({"refusal": {name: value for name, value in refusal.items() if value is not None}} if answered.code else {})
