"""`foldstream kafka`: starts, stops and shows the embedded broker of the data directory."""

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from app.cli.output import say
from app.embedded_kafka.embedded import embedded
from app.errors import FoldstreamError
from app.settings import settings

app = typer.Typer(no_args_is_help=True, help="The embedded Kafka, its data under the data directory.")

_POLL_S = 0.2


@app.command()
def start() -> None:
    """Start the broker unless it runs already, and wait until it answers."""
    chosen = settings()
    if not chosen.embedded:
        raise FoldstreamError("FOLDSTREAM_BROKER names a broker, so the embedded one is not used: unset it to start that")
    kafka = embedded(chosen)
    with Console(stderr=True).status("looking for Kafka") as status:
        started = kafka.start(status.update)
    say(f"Kafka {'runs' if started else 'was running already'} at {kafka.bootstrap}")


@app.command()
def stop() -> None:
    """Stop the broker. Its data is kept."""
    embedded(settings()).stop()
    say("Kafka is stopped")


@app.command()
def status() -> None:
    """Show where the broker runs and keeps its data. Exit code 1 if it does not run."""
    kafka = embedded(settings())
    running = kafka.status()
    say(f"Kafka runs: process {running.pid}, port {running.port}" if running else "Kafka does not run: `foldstream kafka start`")
    say(f"its data: {kafka.home.root}")
    raise typer.Exit(0 if running else 1)


@app.command()
def logs(
    lines: Annotated[int, typer.Option("-n", "--lines", min=0, help="How many of the last lines.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with new lines until interrupted.")] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show what the broker logged last."""
    log = embedded(settings()).home.log
    if not log.exists():
        raise FoldstreamError(f"there is no log at {log}: run `foldstream kafka start` first")
    for line in _followed(log, lines) if follow else _last(log, lines):
        say(line.rstrip("\n").expandtabs())


def _last(log: Path, count: int) -> Iterator[str]:
    with _opened(log) as file:
        yield from deque(file, count)


def _followed(log: Path, count: int) -> Iterator[str]:
    """Yield the last `count` lines, then appended lines. A file that replaces a full one is shown from its start."""
    keep: int | None = count
    while True:
        with _opened(log) as file:
            yield from deque(file, keep)
            while not _replaced(log, file):
                time.sleep(_POLL_S)
                yield from file
            yield from file
        keep = None


def _opened(log: Path) -> TextIO:
    return log.open(encoding="utf-8", errors="replace")


def _replaced(log: Path, file: TextIO) -> bool:
    return log.exists() and log.stat().st_ino != os.fstat(file.fileno()).st_ino
