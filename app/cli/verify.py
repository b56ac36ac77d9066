"""`foldstream verify`: the log, and every table of the write side against it."""

import asyncio

import typer

from app.audit.audit import audit
from app.settings import settings


def verify() -> None:
    """Check the log and the tables that follow from it; a line for each finding, and exit code 1 if there is one. Workers may be at work meanwhile."""
    findings = asyncio.run(audit(settings()))
    typer.echo("\n".join(findings or ["the log is as it must be, and every table is what the log says"]))
    raise typer.Exit(1 if findings else 0)
