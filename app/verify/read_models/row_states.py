"""What the auditor remembers of the rows of one read model in one partition: what is shown, and what the events have folded to so far."""

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from app.verify.findings import NUL
from app.verify.reading.disk_map import Scratch


class Shown(Struct, array_like=True):
    """A row that is shown."""

    version: int
    row: bytes


class Fold(Struct, array_like=True):
    """A row as its events left it at a version; `shown` is the version that is shown, 0 when there is none, None when it cannot be judged."""

    version: int
    shown: int | None
    row: bytes | None = None
    behind: bool = False
    """Whether there are events that are not in what is shown."""
    sure: bool = True
    """Whether all of its events must be in what is shown."""


NOTHING = Fold(0, 0)
"""Of an aggregate that has no event, and no row."""

_encode = msgspec.json.Encoder().encode
_shown = msgspec.json.Decoder(Shown).decode
_fold = msgspec.json.Decoder(Fold).decode
_DONE = b""
_MANY = 3
"""Places of one row that are told apart."""


class States:
    """By the ids of aggregates."""

    def __init__(self, scratch: Scratch, table: str) -> None:
        self._scratch = scratch
        self._table = table

    def show(self, name: str, shown: Shown) -> None:
        """A row that is shown."""
        self._scratch.put(self._at("shown", name), _encode(shown))

    def shown(self, name: str) -> Shown | None:
        """The row that is shown; None when there is none, or it is judged."""
        found = self._scratch.get(self._at("shown", name))
        return _shown(found) if found else None

    def judged(self, name: str) -> None:
        """The row was held against the fold."""
        self._scratch.put(self._at("shown", name), _DONE)

    def list_at(self, name: str, place: str) -> None:
        """A place at which the row is listed."""
        self._scratch.put(self._at("place", name), _encode([*self.places(name), place][:_MANY]))

    def places(self, name: str) -> list[str]:
        """The places at which it is listed."""
        found = self._scratch.get(self._at("place", name))
        return [] if found is None else msgspec.json.decode(found, type=list[str])

    def fold(self, name: str) -> Fold:
        """What the events have folded to."""
        found = self._scratch.get(self._at("fold", name))
        if found is not None:
            return _fold(found)
        shown = self.shown(name)
        return Fold(0, shown.version if shown else 0)

    def keep(self, name: str, fold: Fold) -> None:
        """Remember what they have folded to now."""
        self._scratch.put(self._at("fold", name), _encode(fold))

    async def left(self) -> AsyncIterator[tuple[str, Shown]]:
        """The rows that are shown, and were not judged."""
        async for key, value in self._scratch.scan(self._at("shown", "")):
            if value != _DONE:
                yield _name(key), _shown(value)

    async def listed(self) -> AsyncIterator[str]:
        """Whose rows are listed."""
        async for key, _ in self._scratch.scan(self._at("place", "")):
            yield _name(key)

    async def folds(self) -> AsyncIterator[tuple[str, Fold]]:
        """What there is of all aggregates that have events."""
        async for key, value in self._scratch.scan(self._at("fold", "")):
            yield _name(key), _fold(value)

    def _at(self, what: str, name: str) -> bytes:
        return f"{what}{NUL}{self._table}{NUL}{name}".encode()


def _name(key: bytes) -> str:
    return key.rpartition(NUL.encode())[2].decode()
