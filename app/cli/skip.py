"""`foldstream skip`: skips records that stop a partition."""

import asyncio
import getpass
import os
import re
from typing import Annotated

import typer

from app.cli.ids import text
from app.cli.output import say
from app.client.skipping import Skip, write
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import settings

OFFSETS = re.compile(r"(\d{1,18})(?:\.\.(\d{1,18}))?")
ACCEPT_LOSS = "The topic is a log of record: what is skipped there is lost."


def skip(  # noqa: PLR0913, PLR0917 (what can be given)
    topic: Annotated[str, typer.Argument(callback=text, help="The topic, its name on the broker.")],
    partition: Annotated[int, typer.Argument(min=0)],
    offsets: Annotated[str, typer.Argument(metavar="OFFSET[..OFFSET]", help="The first offset, and the last.")],
    reason: Annotated[str, typer.Option(help="Why it is skipped: it stands on the topic parked.", callback=text)],
    by: Annotated[str | None, typer.Option(help="Who does it; without it, the user that runs the command.", callback=text)] = None,
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help=ACCEPT_LOSS)] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Skip records that cannot be read. A task that stopped there finds the skip by itself; an open task is restarted."""
    chosen, found = located(settings()), OFFSETS.fullmatch(offsets)
    if found is None:
        raise FoldstreamError(f"{offsets} is neither an offset nor a range like 5..7")
    if partition >= chosen.partitions:
        raise FoldstreamError(f"there is no partition {partition}: they are 0 to {chosen.partitions - 1}")
    wanted = Skip(topic, partition, int(found[1]), int(found[2] or found[1]), by or _user(), reason)
    asyncio.run(write(chosen, wanted, accept_loss=accept_loss))
    say(f"skipped {topic} {partition} {offsets}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"
