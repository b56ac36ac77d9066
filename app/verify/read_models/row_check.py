"""Check of one read model's rows in one partition: compares each served row with the projection of its events.

A row is compared with the projection at the version that the row reflects. A row need not reflect events after the offset up to which the
rows reflected the log when verify fetched the first of them.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from msgspec import Struct

from app.eventsourcing.recorded_event import RecordedEvent
from app.verify.findings import NUL, FindingKind, Findings, RecordRef
from app.verify.read_models.registry import CheckedReadModel, differing
from app.verify.read_models.worker_client import Row
from app.verify.reading.disk_map import DiskMap


class Shown(Struct, array_like=True):
    """Row that a worker serves."""

    version: int
    row: bytes


class Fold(Struct, array_like=True):
    """Expected row at a version. `shown` is the version of the served row, 0 if there is none, None if it cannot be checked."""

    version: int
    shown: int | None
    row: bytes | None = None
    behind: bool = False
    """True if the served row does not reflect some events."""
    sure: bool = True
    """True if the served row must reflect all events."""


NOTHING = Fold(0, 0)
"""Fold of an aggregate that has no event and no row."""

_encode = msgspec.json.Encoder().encode
_shown = msgspec.json.Decoder(Shown).decode
_fold = msgspec.json.Decoder(Fold).decode
_DONE = b""
_MANY = 3
"""Most places that are remembered of one row."""


class RowStates:
    """Served and expected rows of one table, by the ids of aggregates."""

    def __init__(self, scratch: DiskMap, table: str) -> None:
        self._scratch = scratch
        self._table = table

    def show(self, name: str, shown: Shown) -> None:
        """Remember a served row."""
        self._scratch.put(self._at("shown", name), _encode(shown))

    def shown(self, name: str) -> Shown | None:
        """Return the served row, or None if there is none or it was compared already."""
        found = self._scratch.get(self._at("shown", name))
        return _shown(found) if found else None

    def judged(self, name: str) -> None:
        """Mark the row as compared."""
        self._scratch.put(self._at("shown", name), _DONE)

    def list_at(self, name: str, place: str) -> None:
        """Remember a place at which the row is listed."""
        self._scratch.put(self._at("place", name), _encode([*self.places(name), place][:_MANY]))

    def places(self, name: str) -> list[str]:
        """Return the places at which the row is listed."""
        found = self._scratch.get(self._at("place", name))
        return [] if found is None else msgspec.json.decode(found, type=list[str])

    def fold(self, name: str) -> Fold:
        """Return the expected row so far."""
        found = self._scratch.get(self._at("fold", name))
        if found is not None:
            return _fold(found)
        shown = self.shown(name)
        return Fold(0, shown.version if shown else 0)

    def keep(self, name: str, fold: Fold) -> None:
        """Remember the expected row."""
        self._scratch.put(self._at("fold", name), _encode(fold))

    async def left(self) -> AsyncIterator[tuple[str, Shown]]:
        """Yield the served rows that were not compared."""
        async for key, value in self._scratch.scan(self._at("shown", "")):
            if value != _DONE:
                yield _name(key), _shown(value)

    async def listed(self) -> AsyncIterator[str]:
        """Yield the ids of the rows that are listed."""
        async for key, _ in self._scratch.scan(self._at("place", "")):
            yield _name(key)

    async def folds(self) -> AsyncIterator[tuple[str, Fold]]:
        """Yield the expected rows of all aggregates that have events."""
        async for key, value in self._scratch.scan(self._at("fold", "")):
            yield _name(key), _fold(value)

    def _at(self, what: str, name: str) -> bytes:
        return f"{what}{NUL}{self._table}{NUL}{name}".encode()


def _name(key: bytes) -> str:
    return key.rpartition(NUL.encode())[2].decode()


class _Versioned(Struct):
    version: int


_versioned = msgspec.json.Decoder(_Versioned).decode
_json = msgspec.json.Encoder().encode


class RowCheck:
    """Check of one read model in one partition. Call `take` for every row first, then `event` for every event, then `finish`."""

    def __init__(self, view: CheckedReadModel, scratch: DiskMap, findings: Findings, partition: int) -> None:
        self.name = view.name
        self.logs: tuple[str, ...] = (view.log,)
        self.compared = self.unjudged = 0
        self._view = view
        self._states = RowStates(scratch, view.table)
        self._findings = findings
        self._partition = partition
        self._row: Callable[[bytes], Any] = msgspec.json.Decoder(view.row).decode
        self._headings: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def take(self, row: Row) -> None:
        """Take a served row."""
        if row.table == self._view.table:
            self._show(row)
        elif row.table == self._view.places:
            self._states.list_at(msgspec.json.decode(row.row, type=str), row.key)
            self._headings.update([row.key.partition("/")[0]] if self._view.counted else [])
        elif row.table == self._view.counts:
            self._counts[row.key] = msgspec.json.decode(row.row, type=int)

    def _show(self, row: Row) -> None:
        try:
            self._states.show(row.key, Shown(_versioned(row.row).version, bytes(row.row)))
        except msgspec.MsgspecError:
            self._add(row.key, "cannot be read")
            self.let_off(row.key)

    def event(self, event: RecordedEvent, value: bytes, *, sure: bool) -> None:
        """Take the next event of the log. If it is `sure`, the served row must reflect it."""
        del value
        fold = self._states.fold(event.aggregate_id)
        if event.version <= fold.version or fold.shown is None:
            return
        if event.version != fold.version + 1 and not fold.behind:
            self._forgo(event.aggregate_id, fold)
        elif event.version > fold.shown:
            self._behind(fold, event, sure=sure)
        else:
            self._forward(fold, event)
        fold.sure = sure
        self._states.keep(event.aggregate_id, fold)

    def let_off(self, aggregate_id: str) -> None:
        """Exempt the aggregate's row from the check: the view has parked events of it, or they cannot be read."""
        fold = self._states.fold(aggregate_id)
        if fold.shown is not None:
            self._forgo(aggregate_id, fold)

    async def finish(self, *, still: bool) -> None:
        """Check the remaining rows, once all events are read. `still` is true if nothing changed while the rows were fetched."""
        async for name, shown in self._states.left():
            self._left(name, shown, self._states.fold(name))
        async for name, fold in self._states.folds():
            self._listed(name, fold)
        async for name in self._states.listed():
            if still and self._states.fold(name) == NOTHING:
                self._add(name, "is listed, and has no event behind it", self._view.places)
        if still and +self._counts != self._headings:
            self._add("", f"counts {dict(+self._counts)}, and there are {dict(self._headings)}", self._view.counts)

    def _forgo(self, aggregate_id: str, fold: Fold) -> None:
        """Stop checking an aggregate's row."""
        self.unjudged += 1
        fold.shown = None
        self._states.keep(aggregate_id, fold)

    def _behind(self, fold: Fold, event: RecordedEvent, *, sure: bool) -> None:
        if sure and not fold.behind:
            self._add(event.aggregate_id, f"is at version {fold.shown}, and {event.version} is in the log" if fold.shown else "is missing")
        fold.behind = True

    def _forward(self, fold: Fold, event: RecordedEvent) -> None:
        fold.row = _json(self._view.project(None if fold.row is None else self._row(fold.row), event))
        fold.version = event.version
        if event.version == fold.shown:
            self._compare(event.aggregate_id, fold.row)

    def _compare(self, name: str, row: bytes) -> None:
        shown = self._states.shown(name)
        assert shown is not None, "it is shown, and was not judged"
        self.compared += 1
        self._states.judged(name)
        if shown.row != row:
            self._add(name, f"differs from what its events fold to in {', '.join(differing(shown.row, row)) or 'its form'}")

    def _left(self, name: str, shown: Shown, fold: Fold) -> None:
        if fold.shown is not None:
            last = f"is at version {shown.version}, and its last event is {fold.version}"
            self._add(name, last if fold.version else "has no event behind it")

    def _listed(self, name: str, fold: Fold) -> None:
        """Check the place of a row that has not changed meanwhile.

        A row that moves during the fetch, say from a later page to one that was fetched already, may be missing or listed twice.
        """
        if self._view.place is None or fold.row is None or fold.behind or not fold.sure or fold.version != fold.shown:
            return
        wanted, found = [self._view.place(self._row(fold.row))], self._states.places(name)
        if found != wanted:
            self._add(name, f"is listed at {found}, and belongs at {wanted}", self._view.places)

    def _add(self, name: str, what: str, table: str | None = None) -> None:
        self._findings.add(FindingKind.WRONG_VIEW, RecordRef(table or self._view.table, self._partition, None, name.encode()), what)
