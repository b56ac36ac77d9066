"""`foldstream demo`: orders on a real Kafka, a worker killed in the middle, and the log checked afterwards."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console

from app.demo.run import Demo
from app.kafka.embedded import embedded
from app.settings import Settings, settings

DURATION = "Seconds that the slow traffic after the summary goes on; without it until Ctrl-C, with --exit not at all."


def demo(
    orders: Annotated[int, typer.Option(min=10, max=100_000, help="How many orders to place before the summary.")] = 500,
    duration: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help=DURATION)] = None,
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the summary.")] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show orders placed, paid, reserved, confirmed and refused on a real Kafka, with a worker that is killed in the middle.

    Starts the embedded Kafka unless a broker is configured, and stops at the end what it started. Exit code 1 when a check against the log did not hold.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console, slow_s = Console(), 0.0 if leave and duration is None else duration
    with _broker(settings(), console):
        held = asyncio.run(Demo(settings(), console, orders).run(slow_s))
    raise typer.Exit(0 if held else 1)


@contextmanager
def _broker(chosen: Settings, console: Console) -> Iterator[None]:
    """The broker in use; an embedded one that did not run before is stopped afterwards."""
    if not chosen.embedded:
        yield
        return
    kafka = embedded(chosen)
    with console.status("looking for Kafka") as status:
        started = kafka.start(status.update)
    console.print(f"[bold]>[/] Kafka {'runs' if started else 'was running already'} at {kafka.bootstrap}", highlight=False)
    try:
        yield
    finally:
        if started:
            kafka.stop()
