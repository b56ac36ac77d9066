"""Actions of operators on a saga: each is a command to the saga (contract, section 4)."""

from dataclasses import replace

from fastapi import APIRouter, Request, Response

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.web import openapi
from app.web.gateway.request import order
from app.web.gateway.writes import CommandEndpoint
from app.web.http import headers
from app.web.http import request_body as body
from app.web.routes.shop import REFUSED, AggregateId, changed
from schemas.answers import SagaAnswer
from schemas.requests import ActOnSaga


def routes(writes: CommandEndpoint) -> APIRouter:
    """Return the route for actions."""
    router = APIRouter(responses={**REFUSED, **openapi.UNANSWERED}, tags=["operators"], dependencies=[headers.WRITE])

    @router.post("/sagas/{order_id}/actions", responses=changed(SagaAnswer, "not-found", "illegal-transition"), openapi_extra=body.documented(ActOnSaga))
    async def act_on_saga(request: Request, order_id: AggregateId) -> Response:
        """Retry or skip a step, compensate everything, settle the saga as its order ended, or give it more time."""
        asked = await body.read(request, ActOnSaga)
        command = order(request, "Saga", order_id, body.parsed(saga_decider.commands[asked.action], asked.payload()))
        by_whom = replace(command, metadata={**command.metadata, "userId": asked.user_id})
        return await writes.write(request, by_whom, 200, {"orderId": order_id})

    return router
