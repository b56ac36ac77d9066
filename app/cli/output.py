"""Output of commands. Foreign text cannot control the terminal, and a failure to print is an error."""

from contextlib import suppress
from io import StringIO

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from app.errors import FoldstreamError
from app.terminal import escaped, escaped_json


class OutputError(FoldstreamError):
    """Failure to write to standard output: it is closed, or its disk is full."""


def say(line: str) -> None:
    """Print a line for a person."""
    _print(escaped(line))


def say_json(value: object, *, indented: bool = False) -> None:
    """Print a value as JSON, on one line or indented over several lines. The output is UTF-8 in any locale."""
    text = escaped_json(msgspec.json.encode(value).decode()).encode()
    _print(msgspec.json.format(text) if indented else text)


def show(table: Table) -> None:
    """Print a table without cutting any cell: cells are folded to the width of a terminal; other outputs are as wide as needed."""
    real, text = Console(), StringIO()
    console = Console(file=text, force_terminal=real.is_terminal, width=real.width if real.is_terminal else _WIDEST, markup=False, emoji=False, highlight=False)
    for column in table.columns:
        column.overflow = "fold"
    console.print(table)
    _print("\n".join(line.rstrip() for line in text.getvalue().splitlines()))


_WIDEST = 10_000
"""Width for outputs that are no terminal (columns); a table takes only as many as it needs."""


def note(line: str) -> None:
    """Print a line on standard error, apart from the results. It is lost if standard error cannot be written to."""
    with suppress(OSError):
        typer.echo(escaped(line), err=True)


def _print(text: str | bytes) -> None:
    """Print text. Raise OutputError if that fails, but not for a closed pipe: typer then ends the command quietly."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error
