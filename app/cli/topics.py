"""`foldstream topics`: creates the contract's topics and compares them with the contract."""

import asyncio
from typing import Annotated

import typer

from app.cli.output import say, say_json
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import APP_ID, settings
from app.topics import admin, ownership

app = typer.Typer(no_args_is_help=True, help="The topics of the contract on the broker.")


@app.command()
def apply() -> None:
    """Create the missing topics. A topic that differs from the contract is reported and not changed, and the exit code is 1."""
    for name in asyncio.run(admin.apply(located(settings()))):
        say(f"created {name}")
    _report(asyncio.run(admin.check(located(settings()))))


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print the lines as one JSON array.")] = False) -> None:  # noqa: FBT002 (typer's way)
    """Compare the broker's topics with the contract. Print a line for each difference; exit code 1 if there is one."""
    _report(asyncio.run(admin.check(located(settings()))), as_json=as_json)


@app.command()
def adopt(
    app_id: Annotated[str, typer.Option("--app-id", help="The FOLDSTREAM_APP_ID that takes the topics over.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the record.")],
) -> None:
    """Hand the topics of FOLDSTREAM_TOPIC_PREFIX over to another FOLDSTREAM_APP_ID, while no worker of the previous one runs."""
    if APP_ID.fullmatch(app_id) is None:
        raise FoldstreamError(f"--app-id is {app_id!r}: it has 1 to 100 characters of A-Z a-z 0-9 . _ -")
    asyncio.run(ownership.adopt(located(settings()), app_id, reason))
    say(f"the topics belong to {app_id}: run FOLDSTREAM_APP_ID={app_id} foldstream topics apply, then start its workers")


def _report(differences: list[str], *, as_json: bool = False) -> None:
    if as_json:
        say_json(differences)
        raise typer.Exit(1 if differences else 0)
    for line in differences or ["the topics are as the contract says"]:
        say(line)
    raise typer.Exit(1 if differences else 0)
