"""`foldstream demo`: places orders on a real Kafka, kills a worker in the middle, and checks the log afterwards."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

import typer
from rich.console import Console

from app.demo.orders import LEAST
from app.demo.run import Demo
from app.embedded_kafka.embedded import embedded
from app.embedded_kafka.status import located
from app.settings import Settings, settings

ORDERS = "How many orders to place before the summary; it needs one that is out of stock, one over the credit limit and one that goes the whole way."
DURATION = "Seconds that the slow traffic after the summary goes on; without it until Ctrl-C, with --exit not at all."


def demo(
    orders: Annotated[int, typer.Option(min=LEAST, max=100_000, help=ORDERS)] = 500,
    duration: Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help=DURATION)] = None,
    leave: Annotated[bool, typer.Option("--exit", help="Stop after the summary.")] = False,  # noqa: FBT002 (typer's way)
) -> None:
    """Show orders placed, paid, reserved, confirmed, shipped and undone on a real Kafka, with a worker that is killed in the middle.

    Starts the embedded Kafka unless a broker is configured, and stops it at the end if it started it. Exit code 1 if a check against the log fails.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs of a script ignore SIGINT, but SIGTERM, which raises it here, must end the demo
    signal.signal(signal.SIGTERM, _interrupt)
    console, slow_s = Console(), 0.0 if leave and duration is None else duration
    with _broker(settings(), console):
        held = asyncio.run(Demo(located(settings()), console, orders).run(slow_s))
    raise typer.Exit(0 if held else 1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Do what Ctrl-C does: asyncio then lets the demo clean up and end well."""
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _broker(chosen: Settings, console: Console) -> Iterator[None]:
    """Start the embedded broker if it is in use. Stop it afterwards unless it ran before."""
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
