"""Durable timers: rows of the write changelog. A timer is set and cancelled in the transaction of its cause, and deleted in the transaction that fires it.

A timer is identified by its agent and a key, and belongs to the partition whose task set it. An aborted transaction sets no timer.
"""

from collections.abc import Iterator

from msgspec import Struct

from app.streams.processing.context import current
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.state.store import StateStore
from app.streams.state.table import Table

NUL = "\0"


class Timer(Struct, frozen=True):
    """Due time of a timer (milliseconds since 1970)."""

    due_ms: int


timers = Table[Timer](None, name="timer", value_type=Timer)
"""Open timers by agent and key."""


def set_timer(agent: str, key: str, due_ms: int) -> None:
    """Set a timer for `due_ms` (milliseconds since 1970); if that is past, it fires at once. It replaces the timer of the same agent and key."""
    timers[_changed(agent, key)] = Timer(due_ms)


def cancel_timer(agent: str, key: str) -> None:
    """Cancel the timer of this agent and key, if it is open."""
    if timers.get(f"{agent}{NUL}{key}") is not None:
        del timers[_changed(agent, key)]


def names(timer: str) -> tuple[str, str]:
    """Return the agent and the key of a timer's row."""
    agent, _, key = timer.partition(NUL)
    return agent, key


def open_timers(store: StateStore) -> Iterator[tuple[str, int]]:
    """Return the committed timers, each with its due time."""
    return ((timer, row.due_ms) for timer, row in timers.rows(store))


def _changed(agent: str, key: str) -> str:
    """Return the row key of a timer that changes. Note it, so that the task looks at the timer after the commit."""
    unit, timer = current.get(), f"{agent}{NUL}{key}"
    assert isinstance(unit, TransactionalUnitOfWork), "a view has no timers"
    unit.timed.add(timer)
    return timer
