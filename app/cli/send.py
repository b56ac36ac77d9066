"""`foldstream send`: sends commands from JSON lines and prints a result line for each."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from shutil import copyfileobj
from tempfile import TemporaryFile, gettempdir
from typing import IO, Annotated

import typer
from rich.console import Console

from app.cli.encoding import plain_lines
from app.cli.ids import require_id
from app.cli.output import OutputError, say_json
from app.client.commands import PATIENCE_S, CommandClient, batch_bytes
from app.client.results import Json
from app.domain.registry import EVENT_SOURCED
from app.embedded_kafka.status import located
from app.errors import FoldstreamError
from app.settings import Settings, settings
from app.topics.contract import COMMAND_BYTES
from schemas.strict_json import Undecodable, decode

COMMANDS = {decider.aggregate_type: tuple(decider.commands) for decider in EVENT_SOURCED}
"""Command types by aggregate type. Sagas are left out, because only operators send them commands."""

ONE_A_LINE = "a file has one command (JSON object) per line, in UTF-8"


def send(
    file: Annotated[typer.FileBinaryRead, typer.Argument(metavar="FILE.jsonl|-", help="A command (JSON object) per line; - reads standard input.")],
    patience_s: Annotated[float, typer.Option("--patience", min=0.1, help="Seconds to wait for the next result.")] = PATIENCE_S,
) -> None:
    """Send commands and print a line of JSON for each result, in the order of the commands. Exit code 1 if one was refused or parked.

    All lines are checked first, and nothing is sent if one of them is not a command that could be answered.
    Sending the same lines again is safe: each command is executed once, and its first result is repeated.
    """
    with _seekable(file) as lines:
        count = sum(1 for _ in _commands(lines))
        lines.seek(0)
        accepted = _sent(_commands(lines), count, patience_s)
    raise typer.Exit(0 if accepted else 1)


def _sent(commands: Iterable[Json], count: int, patience_s: float) -> bool:
    try:
        return asyncio.run(_send(located(settings()), commands, count, patience_s))
    except OutputError as error:
        raise FoldstreamError(f"{error}; commands were sent, and sending them again is safe: what was done is not done twice") from error


async def _send(chosen: Settings, commands: Iterable[Json], count: int, patience_s: float) -> bool:
    """Print the results as they arrive. Return True if all commands were accepted."""
    outcomes = Counter[str]()
    with Console(stderr=True).status("sending") as status:
        async with CommandClient(chosen, patience_s) as client:
            async for result in client.send_all(commands):
                say_json(result)
                outcomes[result["outcome"]] += 1
                status.update(f"{outcomes.total()} of {count} results")
    return outcomes["accepted"] == count


@contextmanager
def _seekable(lines: IO[bytes]) -> Iterator[IO[bytes]]:
    """Return a file that can be read twice. The lines of a pipe are copied to a temporary file."""
    if lines.seekable():
        yield lines
        return
    with TemporaryFile() as copy:
        _copy(lines, copy)
        copy.seek(0)
        yield copy


def _copy(lines: IO[bytes], copy: IO[bytes]) -> None:
    try:
        copyfileobj(lines, copy)
    except OSError as error:
        raise FoldstreamError(f"cannot read standard input, or keep it in {gettempdir()} (TMPDIR): {error.strerror}") from error


def _commands(lines: Iterable[bytes]) -> Iterator[Json]:
    for number, line in enumerate(plain_lines(lines), 1):
        if line.strip():
            yield _command(number, line)


def _command(number: int, line: bytes) -> Json:
    try:
        command = decode(line)
        _require_address(command)
        _require_type(command)
        _require_room(command)
    except Undecodable as error:
        raise FoldstreamError(f"line {number} is no command, so nothing was sent: {error}; {ONE_A_LINE}") from error
    except FoldstreamError as error:
        raise FoldstreamError(f"line {number} is no command, so nothing was sent: {error}") from error
    return command


def _require_address(command: Json) -> None:
    """Raise FoldstreamError unless a command has its ids and an aggregate type, which give its topic, its key and the match of its result."""
    for name in ("aggregateId", "commandId"):
        require_id(name, command.get(name))
    kind = command.get("aggregateType")
    if not isinstance(kind, str) or kind not in COMMANDS:
        raise FoldstreamError(f"aggregateType {kind!r:.100} takes no commands, {', '.join(COMMANDS)} do")


def _require_type(command: Json) -> None:
    """Raise FoldstreamError unless its aggregate type takes the command. A worker would park it, and it would block its aggregate until discarded."""
    kind, name = command["aggregateType"], command.get("commandType")
    if name not in COMMANDS[kind]:
        raise FoldstreamError(f"commandType {name!r:.100} is none that {kind} takes: {', '.join(COMMANDS[kind])}")


def _require_room(command: Json) -> None:
    if (size := batch_bytes(command)) > COMMAND_BYTES:
        raise FoldstreamError(f"it takes {size:,} bytes with its headers, and a topic of commands {COMMAND_BYTES:,} at most")
