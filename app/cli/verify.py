"""`foldstream verify`: checks the log, and every table against the log."""

import asyncio
import time

import typer

from app.cli.output import note, say
from app.embedded_kafka.status import located
from app.settings import settings
from app.verify.run import audit

EVERY_S = 5.0
"""Interval between progress messages of a long run (seconds)."""


def verify() -> None:
    """Check the log and the tables derived from it. Print a line for each finding; exit code 1 if there is one. Workers may run meanwhile.

    The rows of read models come from the workers that serve them, and are reported as unchecked where no worker does. The last lines say what was paid,
    refunded, received and shipped, and how many orders were checked, or were not, and why.
    docs/operations/verifying.md explains each finding and what to do.
    """
    counted: list[str] = []
    findings = asyncio.run(audit(located(settings()), _Progress().at, counted.append))
    for line in [*(findings or ["the log is as it must be, and every table is what the log says"]), *counted]:
        say(line)
    raise typer.Exit(1 if findings else 0)


class _Progress:
    """Progress messages on stderr, at most one every EVERY_S seconds."""

    def __init__(self) -> None:
        self._said_at_s = time.monotonic()

    def at(self, done: int, total: int) -> None:
        """Report that `done` of `total` offsets were read."""
        if time.monotonic() - self._said_at_s >= EVERY_S:
            self._said_at_s = time.monotonic()
            note(f"read {done:,} of {total:,} offsets ({100 * done // max(1, total)} %)")
