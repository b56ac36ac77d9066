"""Invariants: conditions of every world, and of one in which nothing is left to do."""

from collections.abc import Iterator
from functools import lru_cache

from tests.model.broker import CHANGELOG, EVENTS, Batch, decided
from tests.model.protocol import Kernel
from tests.model.rows import Command, Event, Item, Parked, Released, Result, Rows, merged, row
from tests.model.world import World

Committed = tuple[tuple[int, Batch], ...]
"""Offsets and batches of one partition."""


def violation(kernel: Kernel, world: World) -> str | None:
    """Return the violated invariant, or None."""
    events, changelog = decided(world.broker, EVENTS), decided(world.broker, CHANGELOG)
    return _of_logs(world.commands, events, changelog) or next(_of_workers(kernel, world, events, changelog), None)


@lru_cache(maxsize=1 << 16)
def _of_logs(commands: tuple[Command, ...], events: Committed, changelog: Committed) -> str | None:
    """Check the rules of verify."""
    if [batch.content[0] for _, batch in events] != [batch.content[0] for _, batch in changelog]:
        return "a transaction is committed in part"
    items = [item for _, batch in events for item in batch.content[1]]
    return next(_of_items(commands, items, _folded(changelog)), None)


def _of_items(commands: tuple[Command, ...], items: list[Item], rows: Rows) -> Iterator[str]:
    intake = _intake(items)
    if intake != list(range(len(intake))):
        yield f"the commands were not taken in once each, in order: {intake}"
    if _has(rows, "position") and row(rows, "position") != len(intake):
        yield f"the position is {row(rows, 'position')}, {len(intake)} commands were processed"
    if _repeated([item.command_id for item in items if isinstance(item, Event)]):
        yield "an event id is there twice"
    if _repeated([item.command_id for item in items if isinstance(item, Result) and item.first]):
        yield "a command has two first results"
    for key in {command.key for command in commands}:
        versions = [item.version for item in items if isinstance(item, Event) and item.key == key]
        answered = [item.offset for item in items if isinstance(item, Result) and commands[item.offset].key == key]
        if versions != list(range(1, len(versions) + 1)):
            yield f"the versions of {key} have a gap or a repeat: {versions}"
        if answered != sorted(answered):
            yield f"the commands of {key} were answered out of order: {answered}"
        if len(row(rows, f"answered {key}")) != len(versions):
            yield f"the row of {key} is not the fold of its events"


def _intake(items: list[Item]) -> list[int]:
    """Return the offsets of the commands that were answered, or parked unless released later, as the input had them."""
    released = {item.offset for item in items if isinstance(item, Released)}
    return [item.offset for item in items if isinstance(item, Parked) or (isinstance(item, Result) and item.offset not in released)]


def _of_workers(kernel: Kernel, world: World, events: Committed, changelog: Committed) -> Iterator[str]:
    for worker in world.workers:
        if worker.rows != _folded(changelog, worker.offset_next):
            yield "a store is not what its part of the changelog says"
        if kernel.serves(worker) and not _answered(worker.rows).issuperset(world.told):
            yield "a read shows less than a client was told"
    if world.told and not {item.command_id for _, batch in events for item in batch.content[1] if isinstance(item, Result)}.issuperset(world.told):
        yield "a client was told of what is not in the log"


@lru_cache(maxsize=1 << 16)
def _folded(changelog: Committed, end: int = 1 << 30) -> Rows:
    rows: Rows = ()
    for offset, batch in changelog:
        if offset < end:
            rows = merged(rows, batch.content[1])
    return rows


@lru_cache(maxsize=1 << 12)
def _answered(rows: Rows) -> frozenset[str]:
    return frozenset(command_id for name, value in rows if name.startswith("answered") for command_id in value)


def unfinished(world: World) -> str | None:
    """Return what is missing in a world without further steps, or None."""
    results = [item for _, batch in decided(world.broker, EVENTS) for item in batch.content[1] if isinstance(item, Result)]
    if {item.offset for item in results} != set(range(len(world.commands))):
        return "a command is never answered"
    return None


def _has(rows: Rows, name: str) -> bool:
    return any(found == name for found, _ in rows)


def _repeated(ids: list[str]) -> bool:
    return len(ids) != len(set(ids))
