"""`foldstream saga`: shows the fulfilment of orders, and lets an operator act on it."""

import asyncio
from enum import StrEnum
from getpass import getuser
from typing import Annotated, Any, get_args
from urllib.parse import urlencode
from uuid import uuid4

import typer

from app.cli.ids import require_id, text
from app.cli.output import note, say, say_json
from app.client.commands import CommandClient
from app.client.results import Json
from app.client.workers import get
from app.clock import now
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import Settings, settings
from schemas.saga import SagaStatus

app = typer.Typer(no_args_is_help=True, help="Order fulfilment: list sagas, show one, act on it.")

Action = StrEnum("Action", {name: name for name in saga_decider.commands})  # type: ignore[misc]  # mypy wants to read the names
Status = StrEnum("Status", {name: name for name in get_args(SagaStatus)})  # type: ignore[misc]  # the same

OrderId = Annotated[str, typer.Argument(metavar="ORDER_ID", help="Whose saga.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]


@app.command("list")
def list_(
    status: Annotated[Status | None, typer.Option(case_sensitive=False, help="Only those that are there.")] = None,
    as_json: AsJson = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show sagas, as the workers' read models have them. The sagas that wait for you are in NEEDS_INTERVENTION."""
    count = asyncio.run(_list(located(settings()), status, as_json=as_json))
    if not as_json:
        note(f"{count} sagas" if count else "no saga")


@app.command()
def show(order_id: OrderId) -> None:
    """Show one saga: its steps, with time and reason. Exit code 1 if the order has none."""
    require_id("ORDER_ID", order_id)
    say_json(asyncio.run(_got(located(settings()), f"/orders/{order_id}/saga")), indented=True)


@app.command()
def act(  # noqa: PLR0913, PLR0917 (all that an operator may say)
    order_id: OrderId,
    action: Annotated[Action, typer.Argument(case_sensitive=False, help="What is to be done.")],
    reason: Annotated[str, typer.Option(help="Why, for whoever asks later.", callback=text)],
    user: Annotated[str | None, typer.Option(help="Who you are.", show_default="the name you are logged in with")] = None,
    step: Annotated[str | None, typer.Option(help="RetryStep, SkipStep: which step, as `show` names it.", callback=text)] = None,
    product: Annotated[str | None, typer.Option(help="The product of a step that there is for each one.", callback=text)] = None,
    seconds: Annotated[int | None, typer.Option(help="ExtendDeadline: how much longer.")] = None,
) -> None:
    """Act on a saga. The action becomes an event in its history, with your name and the reason. Exit code 1 if it is refused."""
    require_id("ORDER_ID", order_id)
    user = user or _login()
    require_id("--user", user)
    said = {"reason": reason, "step": step, "productId": product, "seconds": seconds}
    payload = {name: value for name, value in said.items() if value is not None}
    result = asyncio.run(_act(located(settings()), order_id, action, user, payload))
    if result["outcome"] != "accepted":
        raise FoldstreamError(f"{action} is {result['outcome']}: {result['refusal']['code']}: {result['refusal']['message']}")
    say(f"{action}: the saga of {order_id} is at version {result['version']}")


def _login() -> str:
    """Return the login name of the user. Raise FoldstreamError if there is none, as in some containers."""
    try:
        return getuser()
    except (KeyError, OSError) as error:
        raise FoldstreamError("this user has no name: say who you are with --user NAME") from error


async def _list(chosen: Settings, status: str | None, *, as_json: bool) -> int:
    count, after = 0, None
    while True:
        asked = {name: value for name, value in {"status": status, "after": after}.items() if value is not None}
        page = await _got(chosen, f"/sagas?{urlencode(asked)}")
        for saga in page["items"]:
            count += 1
            say_json(saga) if as_json else say(_line(saga))
        after = page["next"]
        if after is None:
            return count


async def _got(chosen: Settings, path: str) -> Any:  # noqa: ANN401 (any JSON)
    status, answer = await get(chosen, path)
    if status != 200:  # noqa: PLR2004 (HTTP)
        raise FoldstreamError(f"{answer['code']}: {answer['detail']}")
    return answer


async def _act(chosen: Settings, order_id: str, action: str, user: str, payload: dict[str, Any]) -> Json:
    command = {"commandId": uuid4().hex, "commandType": action, "aggregateId": order_id, "aggregateType": "Saga", "timestamp": now()}
    async with CommandClient(chosen) as client:
        return await client.send({**command, "metadata": {"userId": user}, "payload": payload})


def _line(saga: Json) -> str:
    return f"{saga['orderId']:32} {saga['status']:20} {saga['lastUpdated']}  {saga.get('reason') or ''}"
