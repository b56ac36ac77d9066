"""`foldstream settings`: shows the settings with which a process would run here."""

from typing import Annotated

import typer
from rich.table import Table

from app import settings as configuration
from app.cli.output import say_json, show
from app.terminal import escaped


def settings(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:  # noqa: FBT002 (typer's way)
    """Show every setting: its environment variable, value (secrets hidden) and meaning."""
    values = _shown(configuration.settings())
    if as_json:
        say_json(values)
    else:
        show(_table(values))


def _shown(chosen: configuration.Settings) -> dict[str, object]:
    values = chosen.model_dump(mode="json").items()
    return {configuration.variable(name): _text(configuration.shown(name, value)) for name, value in values}


def _text(value: object) -> object:
    """Return the value as printable text, because a path may contain bytes that are not characters."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _table(values: dict[str, object]) -> Table:
    table = Table("variable", "value", "meaning", box=None)
    for (name, value), field in zip(values.items(), configuration.Settings.model_fields.values(), strict=True):
        table.add_row(name, "" if value is None else escaped(str(value)), field.description)
    return table
