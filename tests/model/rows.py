"""What handlers do to rows, as pure functions: decide, answer a repetition, park, release.

In the product: `app/streams/parking/guard.py`, `rows.py`, `app/handlers/aggregate_repository.py`.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

Rows = tuple[tuple[str, Any], ...]
"""A task's rows, by name: `position`, `answered KEY` (the ids of commands; their number is the version), `waiting KEY` (parked offsets, why)."""


class Command(NamedTuple):
    """A record of the input; its offset is its place in the tuple of all."""

    command_id: str
    key: str
    fault: Literal["", "fails", "too large"] = ""
    """Its handler raises, or the broker refuses what it causes, until somebody mends that; then it is retried."""


class Event(NamedTuple):
    """Its id is that of the command, for one command causes one event."""

    key: str
    version: int
    command_id: str


class Result(NamedTuple):
    """The answer to the command at an offset; `first` unless it repeats one."""

    offset: int
    command_id: str
    first: bool


class Parked(NamedTuple):
    """The command at an offset could not be processed, or has to wait behind one of its key."""

    offset: int


class Released(NamedTuple):
    """It was mended and processed; or it waited behind one that was."""

    offset: int


Item = Event | Result | Parked | Released


class Draft(NamedTuple):
    """What a transaction would write: records, and rows that change."""

    items: tuple[Item, ...]
    changes: Rows


def row(rows: Rows, name: str) -> Any:  # noqa: ANN401 (each row has a type of its own)
    """A row, or an empty one."""
    return next((value for found, value in rows if found == name), ())


def merged(rows: Rows, changes: Rows) -> Rows:
    """Rows with changes above them: an overlay, and what a changelog folds to."""
    return tuple(sorted({**dict(rows), **dict(changes)}.items()))


WINDOW = 256
"""How many ids of commands are remembered for each key."""


@lru_cache(maxsize=1 << 14)
def taken_in(rows: Rows, commands: tuple[Command, ...], offsets: tuple[int, ...], condemned: tuple[int, ...], window: int = WINDOW) -> Draft:
    """Process or park the commands at these offsets, those that the broker refused when they were alone are condemned; then the position moves."""
    draft = _Draft(rows, window)
    for offset in offsets:
        command = commands[offset]
        if draft.waiting(command.key):
            draft.park(command, offset, "behind")
        elif command.fault == "fails" or offset in condemned:
            draft.park(command, offset, "failed")
        else:
            draft.decide(command, offset)
    return draft.ended(position=offsets[-1] + 1)


@lru_cache(maxsize=1 << 14)
def released(rows: Rows, commands: tuple[Command, ...], key: str, most: int) -> Draft:
    """Process the first of a key's queue, as many as a transaction may carry."""
    draft = _Draft(rows, WINDOW)
    for offset, _ in draft.waiting(key)[:most]:
        draft.items.append(Released(offset))
        draft.decide(commands[offset], offset)
        draft.changes[f"waiting {key}"] = draft.waiting(key)[1:]
    return draft.ended()


class _Draft:
    def __init__(self, rows: Rows, window: int) -> None:
        self._rows = dict(rows)
        self._window = window
        self.changes: dict[str, Any] = {}
        self.items: list[Item] = []

    def waiting(self, key: str) -> tuple[tuple[int, str], ...]:
        waiting: tuple[tuple[int, str], ...] = self._get(f"waiting {key}")
        return waiting

    def park(self, command: Command, offset: int, why: str) -> None:
        self.changes[f"waiting {command.key}"] = (*self.waiting(command.key), (offset, why))
        self.items.append(Parked(offset))

    def decide(self, command: Command, offset: int) -> None:
        answered = self._get(f"answered {command.key}")
        first = command.command_id not in answered[max(0, len(answered) - self._window) :]
        if first:
            self.changes[f"answered {command.key}"] = (*answered, command.command_id)
            self.items.append(Event(command.key, len(answered) + 1, command.command_id))
        self.items.append(Result(offset, command.command_id, first))

    def ended(self, **changes: int) -> Draft:
        return Draft(tuple(self.items), tuple({**self.changes, **changes}.items()))

    def _get(self, name: str) -> Any:  # noqa: ANN401 (as row)
        return self.changes.get(name, self._rows.get(name, ()))
