"""Durable timers: rows of the write changelog, set and cancelled in the transaction of whatever does it, gone in the transaction of what waking causes.

A timer is known by its agent and a key; it is of the partition whose task set it. An aborted transaction sets nothing.
"""

from collections.abc import Iterator

from msgspec import Struct

from app.streams.processing.context import current
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.state.store import StateStore
from app.streams.state.table import Table

NUL = "\0"


class Timer(Struct, frozen=True):
    """When its agent is to be woken (milliseconds since 1970)."""

    due_ms: int


timers = Table[Timer](None, name="timer", value_type=Timer)
"""Open timers by agent and key."""


def set_timer(agent: str, key: str, due_ms: int) -> None:
    """Wake the agent at `due_ms` (milliseconds since 1970), or at once if that is past; it replaces the timer of the same agent and key."""
    timers[_changed(agent, key)] = Timer(due_ms)


def cancel_timer(agent: str, key: str) -> None:
    """Do not wake the agent for this key; one that sleeps no more is not cancelled again."""
    if timers.get(f"{agent}{NUL}{key}") is not None:
        del timers[_changed(agent, key)]


def names(timer: str) -> tuple[str, str]:
    """The agent and the key of a timer's row."""
    agent, _, key = timer.partition(NUL)
    return agent, key


def open_timers(store: StateStore) -> Iterator[tuple[str, int]]:
    """The committed timers, each with its due time."""
    return ((timer, row.due_ms) for timer, row in timers.rows(store))


def _changed(agent: str, key: str) -> str:
    """The key of a row that changes: the task looks at it again once that is committed."""
    unit, timer = current.get(), f"{agent}{NUL}{key}"
    assert isinstance(unit, TransactionalUnitOfWork), "a view has no timers"
    unit.timed.add(timer)
    return timer
