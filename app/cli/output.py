"""What commands print: text from others controls no terminal, and nothing that cannot be printed is passed over in silence."""

from contextlib import suppress
from io import StringIO

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from app.errors import FoldstreamError
from app.terminal import escaped, escaped_json


class OutputError(FoldstreamError):
    """Standard output takes nothing more: it is closed, or its disk is full."""


def say(line: str) -> None:
    """Print a line for a person."""
    _print(escaped(line))


def say_json(value: object, *, indented: bool = False) -> None:
    """Print a value as one line of JSON, or over several lines for a person: in UTF-8, whatever the locale."""
    text = escaped_json(msgspec.json.encode(value).decode()).encode()
    _print(msgspec.json.format(text) if indented else text)


def show(table: Table) -> None:
    """Print a table that leaves nothing out: folded to the width of a terminal, as wide as it has to be elsewhere."""
    real, text = Console(), StringIO()
    console = Console(file=text, force_terminal=real.is_terminal, width=real.width if real.is_terminal else _WIDEST, markup=False, emoji=False, highlight=False)
    for column in table.columns:
        column.overflow = "fold"
    console.print(table)
    _print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


_WIDEST = 10_000
"""Columns for what is no terminal: a table takes as few of them as it needs."""


def note(line: str) -> None:
    """Print a line beside the results, on standard error; it is lost where that takes nothing."""
    with suppress(OSError):
        typer.echo(escaped(line), err=True)


def _print(text: str | bytes) -> None:
    """A reader that has gone away is no failure of ours: typer ends the command quietly."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error
