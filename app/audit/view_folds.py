"""The rows of one read model in one partition, as a worker shows them, held against what its events fold to.

A row is held against the fold at the version that it reflects. Events that it need not reflect yet are those behind the offset up to which its
log was in the rows when the first of them were asked for.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from app.audit.finding import NUL, Findings, Kind, Place
from app.audit.scratch import Scratch
from app.audit.served import Row
from app.audit.view_rows import View, differing, identity
from app.domain.recorded import Recorded


class _Shown(Struct, array_like=True):
    """A row, and the key under which it stands."""

    key: str
    version: int
    row: bytes


class _Fold(Struct, array_like=True):
    """A row as its events left it at a version; `shown` is the version that is shown, 0 when there is none, None when it cannot be judged."""

    version: int
    shown: int | None
    key: str = ""
    row: bytes | None = None
    behind: bool = False
    """Whether there are events that are not in what is shown."""
    sure: bool = True
    """Whether all of its events must be in what is shown."""


class _Versioned(Struct):
    version: int


_encode = msgspec.msgpack.Encoder().encode
_shown = msgspec.msgpack.Decoder(_Shown).decode
_fold = msgspec.msgpack.Decoder(_Fold).decode
_versioned = msgspec.json.Decoder(_Versioned).decode
_json = msgspec.json.Encoder().encode
_DONE = b""


class ViewFolds:
    """`take` comes first for every row, then `event` for every event, then `finish`."""

    def __init__(self, view: View, scratch: Scratch, findings: Findings, partition: int) -> None:
        self.name = view.name
        self.logs: tuple[str, ...] = (view.log,)
        self.compared = 0
        self._view = view
        self._scratch = scratch
        self._findings = findings
        self._partition = partition
        self._row: Callable[[bytes], Any] = msgspec.json.Decoder(view.row).decode
        self._headings: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()

    def take(self, row: Row) -> None:
        """A row that is shown."""
        if row.table == self._view.table:
            self._take(row)
        elif row.table == self._view.places:
            self._scratch.put(self._at("place", row.key), bytes(row.row))
        elif row.table == self._view.counts:
            self._counts[row.key] = msgspec.json.decode(row.row, type=int)

    def event(self, event: Recorded, value: bytes, *, sure: bool) -> None:
        """The next event of its log; what is `sure` must be in what is shown."""
        del value
        fold = self._folded(event.aggregate_id)
        if event.version <= fold.version or fold.shown is None:
            return
        if event.version != fold.version + 1 and not fold.behind:
            fold.shown = None
        elif event.version > fold.shown:
            self._behind(fold, event, sure=sure)
        else:
            self._forward(fold, event)
        fold.sure = sure
        self._scratch.put(self._at("fold", event.aggregate_id), _encode(fold))

    def let_off(self, aggregate_id: str) -> None:
        """The aggregate's row cannot be judged: the view has parked events of it, or they cannot be read."""
        fold = self._folded(aggregate_id)
        fold.shown = None
        self._scratch.put(self._at("fold", aggregate_id), _encode(fold))

    async def finish(self, *, still: bool) -> None:
        """Judge what is left, once all events are read; `still` tells whether nothing moved while the rows were asked for."""
        async for key, value in self._scratch.scan(self._at("shown", "")):
            if value != _DONE:
                self._left(key.rpartition(b"\0")[2].decode(), _shown(value))
        async for key, value in self._scratch.scan(self._at("fold", "")):
            self._standing(key.rpartition(b"\0")[2].decode(), _fold(value))
        if still and self._view.counts is not None and +self._counts != self._headings:
            self._add("", f"counts {dict(+self._counts)}, and there are {dict(self._headings)}", self._view.counts)

    def _take(self, row: Row) -> None:
        name, shown = identity(row.key), _Shown(row.key, _versioned(row.row).version, bytes(row.row))
        self._headings[row.key.partition("/")[0]] += 1
        found = self._scratch.get(self._at("shown", name))
        if found is not None:
            self._scratch.put(self._at("twice", name), b"")
        if found is None or _shown(found).version <= shown.version:
            self._scratch.put(self._at("shown", name), _encode(shown))

    def _behind(self, fold: _Fold, event: Recorded, *, sure: bool) -> None:
        if sure and fold.shown and not fold.behind:
            self._add(event.aggregate_id, f"is at version {fold.shown}, and {event.version} is in the log")
        fold.behind = True

    def _forward(self, fold: _Fold, event: Recorded) -> None:
        listed = self._view.project(None if fold.row is None else self._row(fold.row), event)
        fold.version, fold.key, fold.row = event.version, listed.place, _json(listed.row)
        if event.version == fold.shown:
            self._compare(event.aggregate_id, fold, fold.row)

    def _compare(self, name: str, fold: _Fold, row: bytes) -> None:
        found = self._scratch.get(self._at("shown", name))
        assert found, "it is shown, and was not compared"
        shown = _shown(found)
        self.compared += 1
        self._scratch.put(self._at("shown", name), _DONE)
        if shown.row != row:
            self._add(name, f"differs from what its events fold to in {', '.join(differing(shown.row, row)) or 'its form'}")
        if shown.key != fold.key:
            self._add(name, f"stands under {shown.key}, and belongs under {fold.key}")

    def _left(self, name: str, shown: _Shown) -> None:
        fold = self._scratch.get(self._at("fold", name))
        if fold is None:
            self._add(name, "has no event behind it")
        elif (last := _fold(fold)).shown is not None:
            self._add(name, f"is at version {shown.version}, and its last event is {last.version}")

    def _standing(self, name: str, fold: _Fold) -> None:
        """Whether it is there, and where, can be judged of a row that has not moved meanwhile: from behind what was asked for already to before it, say."""
        if fold.shown is None or not fold.sure:
            return
        if fold.shown == 0:
            self._add(name, "is missing")
        elif not fold.behind and fold.version == fold.shown:
            self._place(name, fold)

    def _place(self, name: str, fold: _Fold) -> None:
        if self._scratch.get(self._at("twice", name)) is not None:
            self._add(name, "stands there twice")
        place = self._scratch.get(self._at("place", name))
        if self._view.places is not None and (place is None or msgspec.json.decode(place) != fold.key):
            self._add(name, "does not say where the row stands", self._view.places)

    def _folded(self, name: str) -> _Fold:
        found = self._scratch.get(self._at("fold", name))
        if found is not None:
            return _fold(found)
        shown = self._scratch.get(self._at("shown", name))
        return _Fold(0, 0 if shown is None else _shown(shown).version)

    def _at(self, what: str, name: str) -> bytes:
        return f"{what}{NUL}{self._view.table}{NUL}{name}".encode()

    def _add(self, name: str, what: str, table: str | None = None) -> None:
        self._findings.add(Kind.WRONG_VIEW, Place(table or self._view.table, self._partition, None, name.encode()), what)
