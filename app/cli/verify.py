"""`foldstream verify`: the log, and every table against it."""

import asyncio
import time

import typer

from app.cli.output import note, say
from app.settings import settings
from app.verify.run import audit

EVERY_S = 5.0
"""How often what takes long says how far it is."""


def verify() -> None:
    """Check the log and the tables that follow from it; a line for each finding, and exit code 1 if there is one. Workers may be at work meanwhile.

    Tables of views are asked from the workers that serve them, and said to be unchecked where none does. At last it tells what was paid, refunded,
    received and shipped, and how many orders were judged, or were not, and why.
    docs/verify.md says what each finding means, and what to do.
    """
    counted: list[str] = []
    findings = asyncio.run(audit(settings(), _Progress().at, counted.append))
    for line in [*(findings or ["the log is as it must be, and every table is what the log says"]), *counted]:
        say(line)
    raise typer.Exit(1 if findings else 0)


class _Progress:
    """Says now and then on stderr how much was read."""

    def __init__(self) -> None:
        self._said_at_s = time.monotonic()

    def at(self, done: int, total: int) -> None:
        """So many offsets of all were read."""
        if time.monotonic() - self._said_at_s >= EVERY_S:
            self._said_at_s = time.monotonic()
            note(f"read {done:,} of {total:,} offsets ({100 * done // max(1, total)} %)")
