"""`foldstream replay`: places the orders of a purchases file, waits for their sagas, and computes the file's totals from the log."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import aclosing
from hashlib import sha256
from itertools import groupby
from typing import IO, Annotated, NamedTuple

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from app.cli.encoding import plain_lines
from app.cli.output import say, show
from app.client.commands import CommandClient
from app.client.log_reader import LogReader
from app.client.results import Json
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.replay.commands import ENDS, LoggedTotals, PurchaseReplay
from app.replay.purchases import Purchase, Totals, purchases, require_credit, totals
from app.replay.saga_outcomes import ends
from app.settings import Settings, settings
from app.topics.contract import event_topic

FILE = typer.Argument(help="A purchases file in the format of CDNOW_sample.txt or CDNOW_master.txt; - reads standard input.")
SPEED = typer.Option(min=0.01, metavar="DAYS", help="Days of the file to place in a second, at most; without it as fast as the workers answer.")


class Replayed(NamedTuple):
    """Result of a replay: the totals in the log, the number of orders placed before, and the number of sagas by outcome."""

    found: Totals
    duplicates: int
    ends: Counter[str]


def replay(file: Annotated[typer.FileBinaryRead, FILE], speed: Annotated[float | None, SPEED] = None) -> None:
    """Place the orders of a purchases file, day by day, wait for their sagas, and print the totals from the log.

    Exit code 1 if the totals differ from those of the file, or if a saga has not ended.
    Workers must run. Replaying a file again places nothing twice and prints the same totals.
    """
    content = _read(file)
    made = PurchaseReplay(sha256(content).hexdigest(), _purchases(file.name, content))
    replayed, wanted = asyncio.run(_replay(located(settings()), made, speed)), totals(made.purchases)
    show(_table(wanted, replayed.found))
    say(_sagas(replayed.ends))
    say(f"{replayed.duplicates:,} of the orders were placed before" if replayed.duplicates else "all orders are new")
    _require(replayed, wanted)


def _read(file: IO[bytes]) -> bytes:
    """Read a whole file, or all of standard input."""
    try:
        return file.read()
    except OSError as error:
        raise FoldstreamError(f"cannot read the file: {error.strerror}") from error


def _require(replayed: Replayed, wanted: Totals) -> None:
    if replayed.found != wanted:
        raise FoldstreamError("the log does not have what the file has: `foldstream replay` again places what is missing, and nothing twice")
    if left := wanted.orders - replayed.ends.total():
        raise FoldstreamError(f"{left:,} sagas have not ended, and none went on: do workers run? `foldstream saga list` shows where they stand")


def _purchases(file: str, content: bytes) -> list[Purchase]:
    try:
        found = list(purchases(line.decode("ascii", "replace") for line in plain_lines(content.splitlines())))
        require_credit(found)
    except FoldstreamError as error:
        raise FoldstreamError(f"{file} cannot be replayed, so nothing was sent: {error}") from error
    if not found:
        raise FoldstreamError(f"{file} has no purchases")
    return found


async def _replay(chosen: Settings, made: PurchaseReplay, speed: float | None) -> Replayed:
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        async with CommandClient(chosen) as client:
            await _send(client, progress, "registering", list(made.registrations()))
            duplicates = await _place(client, progress, made, speed)
        ended = await _fulfil(chosen, progress, made)
        return Replayed(await _logged(chosen, made), duplicates, ended)


async def _place(client: CommandClient, progress: Progress, made: PurchaseReplay, speed: float | None) -> int:
    """Place the orders day by day, or all at once if `speed` is None. Return the number of duplicates."""
    shown, duplicates, began_at = progress.add_task("placing orders", total=len(made.purchases)), 0, _now()
    for due_s, batch in _batches(made.purchases, speed):
        await asyncio.sleep(began_at + due_s - _now())
        async for result in client.send_all(made.order(each) for each in batch):
            duplicates += _duplicate(result)
            progress.advance(shown)
    return duplicates


async def _fulfil(chosen: Settings, progress: Progress, made: PurchaseReplay) -> Counter[str]:
    """Return the number of sagas by outcome, once all have ended or none makes progress."""
    shown, found = progress.add_task("fulfilling orders", total=len(made.purchases)), Counter[str]()
    async with aclosing(ends(chosen, made.owns)) as told:
        async for found in told:
            progress.update(shown, completed=found.total())
            if found.total() == len(made.purchases):
                break
    return found


async def _send(client: CommandClient, progress: Progress, title: str, commands: list[Json]) -> None:
    shown = progress.add_task(title, total=len(commands))
    async for result in client.send_all(commands):
        _duplicate(result)
        progress.advance(shown)


def _duplicate(result: Json) -> bool:
    """Return whether an accepted command was a duplicate. Raise FoldstreamError if the command was not accepted."""
    if result["outcome"] != "accepted":
        said = result["refusal"]
        raise FoldstreamError(f"{result['commandType']} to {result['aggregateId']} was {result['outcome']}: {said['code']}, {said['message']}")
    return "duplicate" in result


def _batches(ordered: list[Purchase], speed: float | None) -> Iterator[tuple[float, Iterable[Purchase]]]:
    """Yield the purchases to send together, each group with the time from the start at which it is due (seconds)."""
    if speed is None:
        yield 0.0, ordered
        return
    for day, bought in groupby(ordered, key=lambda each: each.day):
        yield (day - ordered[0].day).days / speed, bought


async def _logged(chosen: Settings, made: PurchaseReplay) -> Totals:
    logged = LoggedTotals()
    async with LogReader(chosen) as log:
        async for record in log.topic(event_topic(chosen, "Order")):
            if made.owns(record):
                logged.add(msgspec.json.decode(record.value))
    return logged.totals()


def _sagas(ended: Counter[str]) -> str:
    return f"{ended.total():,} sagas ended: " + ", ".join(f"{ended[how]:,} {how}" for how in ENDS.values())


def _table(wanted: Totals, found: Totals) -> Table:
    table = Table("", "orders", "customers", "CDs", "dollars", box=None)
    for title, each in (("file", wanted), ("log", found)):
        table.add_row(title, f"{each.orders:,}", f"{each.customers:,}", f"{each.cds:,}", each.dollars)
    return table


def _now() -> float:
    return asyncio.get_running_loop().time()
