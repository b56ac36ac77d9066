"""`foldstream rebuild`: rebuilds the rows of a read model from the log, while the old rows stay visible."""

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from app.cli.ids import text
from app.cli.output import say
from app.cli.rebuilding import Partitions, Wish
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import settings

TABLE = typer.Argument(callback=text, metavar="TABLE", help="A table of the views, such as `history`; one that does not exist is answered with those that do.")
ROLLBACK = typer.Option("--rollback", help="Bring the rows up to date that were shown before the last rebuild, and show them.")
PAUSE = typer.Option("--pause", help="Hold what is being built; without options it goes on.")

LOOK_S = 0.5


class Rate(ProgressColumn):
    """Progress column that shows events per second."""

    def render(self, task: Task) -> Text:
        """Return the speed, or an empty text until it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} events/s")


def rebuild(
    table: Annotated[str, TABLE],
    rollback: Annotated[bool, ROLLBACK] = False,  # noqa: FBT002 (typer's way)
    pause: Annotated[bool, PAUSE] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Rebuild the rows of a read model's table from the log, in every partition. The new rows are shown once they have caught up with the current ones.

    The workers do it, and continue when this command ends: run it again to watch. Exit code 1 if rows could not be built, or events were parked meanwhile.
    See docs/operations/rebuilding.md.
    """
    if rollback and pause:
        raise FoldstreamError("either --rollback or --pause")
    partitions = Partitions(located(settings()), table, "rollback" if rollback else "rebuild")
    if pause:
        asyncio.run(partitions.pause())
        say(f"{table}: what is being built is paused; `foldstream rebuild {table}` goes on with it")
        return
    found = asyncio.run(_watched(partitions))
    for each in found:
        say(_line(each, partitions.wish))
    raise typer.Exit(0 if all(each["status"] == "idle" and not _parked(each) for each in found) else 1)


async def _watched(partitions: Partitions) -> list[dict[str, Any]]:
    """Begin, and show the progress until each partition is done or cannot continue."""
    await partitions.begin()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        shown = progress.add_task(partitions.table, total=None)
        while not partitions.ended:
            progress.update(shown, completed=partitions.done, total=partitions.total, description=partitions.description)
            await asyncio.sleep(LOOK_S)
            await partitions.look()
    return partitions.states


def _line(state: dict[str, Any], wish: Wish) -> str:
    where = f"{state['table']} [{state['partition']}]"
    if state["status"] == "paused":
        return f"{where}: paused at {state['done']:,} of {state['total']:,} events"
    if state["status"] == "faulty":
        return f"{where}: not shown: {state['fault']}"
    went = "rolled back" if wish == "rollback" else "rebuilt"
    parked = f", {parked:,} of them PARKED (`foldstream parked list` has each)" if (parked := _parked(state)) else ""
    return f"{where}: {went} from {state['total']:,} events{parked}, generation {state['generation']}{_compared(state['last'] and state['last']['same'])}"


def _parked(state: dict[str, Any]) -> int:
    """Return how many events are missing from the visible rows, because they were parked."""
    return state["last"]["parked"] if state["status"] == "idle" and state["last"] else 0


def _compared(same: bool | None) -> str:  # noqa: FBT001 (three answers)
    if same is None:
        return "; other code had folded the rows before"
    return "; the same rows as before, byte by byte" if same else "; OTHER rows than before: those were not what the log says"
