"""`/sagas`: lists of sagas, and actions of operators, each of which is a command to the saga (contract, section 4)."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.web import openapi
from app.web.gateway.request import command_from_request
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import request_body as body
from app.web.openapi import AggregateId
from app.web.queries.lists import After, InPartition, Limit, PageRequest, PartitionedList
from app.web.queries.saga_lists import SagaListSource
from schemas import saga
from schemas.answers import SagaAnswer
from schemas.fields import NotNull
from schemas.requests import ActOnSaga
from schemas.view_answers import SagasPage

BODIES = (ActOnSaga,)

InStatus = Annotated[saga.SagaStatus | None, NotNull, Query()]


def write_routes(writes: CommandEndpoint) -> APIRouter:
    """Return the route for actions."""
    router = APIRouter(responses=openapi.WRITE_RESPONSES, tags=["operators"], dependencies=[headers.WRITE])

    @router.post(
        "/sagas/{order_id}/actions", responses=openapi.changed(SagaAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(ActOnSaga)
    )
    async def act_on_saga(request: Request, order_id: AggregateId) -> Response:
        """Retry or skip a step, compensate everything, settle the saga as its order ended, or give it more time."""
        asked = await body.read(request, ActOnSaga)
        command = command_from_request(request, "Saga", order_id, body.parsed(saga_decider.commands[asked.action], asked.payload()))
        by_whom = replace(command, metadata={**command.metadata, "userId": asked.user_id})
        return await writes.write(request, by_whom, 200, {"orderId": order_id})

    return router


def list_routes(lists: PartitionedList) -> APIRouter:
    """Return the route for the list of sagas."""
    listed = openapi.answer(200, SagasPage, "sagas, the newest first")
    router = APIRouter(responses={**listed, **openapi.LIST_ERRORS}, tags=["reads"], dependencies=[headers.READ])

    @router.get("/sagas")
    async def sagas(request: Request, status: InStatus = None, limit: Limit = 100, after: After = None, partition: InPartition = None) -> Response:
        """List sagas, the newest first. Those that wait for an operator are in NEEDS_INTERVENTION."""
        return await lists.page(request, SagaListSource(status), PageRequest.of(limit, after, partition))

    return router
