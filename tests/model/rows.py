"""Effects of handlers on rows, as pure functions: decide, answer a repetition, park, release.

In the product: `app/streams/parking/guard.py`, `rows.py`, `app/handlers/aggregate_repository.py`.
"""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

Rows = tuple[tuple[str, Any], ...]
"""Rows of a task by name: `position`, `answered KEY` (ids of commands; their number is the version), `waiting KEY` (parked offsets with reasons)."""


class Command(NamedTuple):
    """Record of the input. Its offset is its index among all commands."""

    command_id: str
    key: str
    fault: Literal["", "fails", "too large"] = ""
    """Failure of the handler, or of the broker at its output, until an operator repairs it and retries the record."""


class Event(NamedTuple):
    """Event with the id of its command, because a command causes one event."""

    key: str
    version: int
    command_id: str


class Result(NamedTuple):
    """Result of the command at an offset; `first` unless it repeats one."""

    offset: int
    command_id: str
    first: bool


class Parked(NamedTuple):
    """Parked command, which failed or waits behind one of its key."""

    offset: int


class Released(NamedTuple):
    """Released command: it was retried after a repair, or waited behind one that was."""

    offset: int


Item = Event | Result | Parked | Released


class Draft(NamedTuple):
    """Output of a transaction that is not committed yet: records, and changed rows."""

    items: tuple[Item, ...]
    changes: Rows


def row(rows: Rows, name: str) -> Any:  # noqa: ANN401 (each row has a type of its own)
    """Return a row, or an empty one."""
    return next((value for found, value in rows if found == name), ())


def merged(rows: Rows, changes: Rows) -> Rows:
    """Return the rows with changes applied: an overlay, or the state that a changelog folds to."""
    return tuple(sorted({**dict(rows), **dict(changes)}.items()))


WINDOW = 256
"""Number of ids of commands that are remembered for each key."""


@lru_cache(maxsize=1 << 14)
def taken_in(rows: Rows, commands: tuple[Command, ...], offsets: tuple[int, ...], condemned: tuple[int, ...], window: int = WINDOW) -> Draft:
    """Process or park the commands at these offsets, then move the position. `condemned` are those that the broker refused when they were alone."""
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
    """Process the first commands of a key's queue, as many as a transaction may carry."""
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
