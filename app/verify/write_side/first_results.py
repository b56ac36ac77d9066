"""The first results of the commands of one partition, by what makes a command the same command."""

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from app.eventsourcing.decide import WINDOW
from app.verify.findings import NUL
from app.verify.reading.disk_map import Scratch
from app.verify.reading.records import Result


class First(Struct, array_like=True):
    """The first result of a command."""

    command: int
    """The offset at which the command was read."""
    result: int
    """The offset of the result."""
    version: int
    events: int
    accepted: bool
    sure: bool
    """Whether its events must be among those that are read."""
    seen: int = 0
    """How many of its events were found."""
    nth: int = 0
    """How many first results there were in its window when it came, itself among them."""

    def leads_to(self, version: int) -> bool:
        """True if the event at this version of the aggregate is one of its events."""
        return self.accepted and self.version - self.events < version <= self.version


_PREFIX, _LAST, _COUNT = b"first\0", b"last\0", b"count\0"
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[First]).decode


class Firsts:
    """Remembers them: of a command whose id was repeated beyond the window there are several, for it was done again."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def all_of(self, name: bytes) -> list[First]:
        """Those of a command, by `named`, in their order."""
        found = self._scratch.get(_PREFIX + name)
        return [] if found is None else _decode(found)

    def last_of(self, name: bytes) -> First | None:
        """The last of them."""
        return next(reversed(self.all_of(name)), None)

    def in_window(self, name: bytes, result: Result, order_id: str) -> First | None:
        """The first result of this very command, if workers must still have known it when they gave another."""
        known = self.last_of(name)
        return known if known is not None and self._count(result, order_id) - known.nth < WINDOW else None

    def begin(self, name: bytes, result: Result, order_id: str, first: First) -> None:
        """Remember a first result of a command, which names this order or none."""
        first.nth = self._count(result, order_id) + 1
        self._scratch.put(_COUNT + _beside(result.aggregate_type, result.aggregate_id, order_id), b"%d" % first.nth)
        self._scratch.put(_PREFIX + name, _encode([*self.all_of(name), first]))
        if first.sure:
            self._scratch.put(_LAST + _beside(result.aggregate_type, result.aggregate_id, order_id), b"%d" % first.result)

    def see(self, name: bytes, seen: First) -> None:
        """Remember that another event of this first result was found."""
        found = self.all_of(name)
        for first in found:
            first.seen += first.result == seen.result
        self._scratch.put(_PREFIX + name, _encode(found))

    def _count(self, result: Result, order_id: str) -> int:
        """How many first results there are of the commands in one window."""
        return int(self._scratch.get(_COUNT + _beside(result.aggregate_type, result.aggregate_id, order_id)) or 0)

    async def last(self, aggregate_type: str) -> AsyncIterator[tuple[str, int]]:
        """The offsets of the last first results that must be reflected in rows, for each aggregate and, after a slash, each order that its commands named."""
        prefix = _LAST + f"{aggregate_type}{NUL}".encode()
        async for key, value in self._scratch.scan(prefix):
            yield key.removeprefix(prefix).decode(), int(value)

    async def eventless(self) -> AsyncIterator[tuple[bytes, First]]:
        """The accepted commands, by `named`, of which not all events were found."""
        async for key, value in self._scratch.scan(_PREFIX):
            for first in _decode(value):
                if first.accepted and first.sure and first.seen < first.events:
                    yield key.removeprefix(_PREFIX), first


def named(aggregate_type: str, aggregate_id: str, order_id: str, command_id: str) -> bytes:
    """What makes a command the same command; `order_id` is empty where it names none."""
    return f"{aggregate_type}{NUL}{aggregate_id}{NUL}{order_id}{NUL}{command_id}".encode()


def _beside(aggregate_type: str, aggregate_id: str, order_id: str) -> bytes:
    return f"{aggregate_type}{NUL}{aggregate_id}{'/' if order_id else ''}{order_id}".encode()


def told(name: bytes) -> str:
    """The same for people."""
    aggregate_type, aggregate_id, order_id, command_id = name.decode().split(NUL, 3)
    return f"{command_id} to {aggregate_type} {aggregate_id}" + (f" about order {order_id}" if order_id else "")
