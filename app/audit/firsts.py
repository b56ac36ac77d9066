"""The first results of the commands of one partition, by what makes a command the same command."""

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from app.audit.finding import NUL
from app.audit.scratch import Scratch
from app.audit.wire import Result


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


_PREFIX, _LAST = b"first\0", b"last\0"
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(First).decode


class Firsts:
    """Remembers them."""

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch

    def get(self, name: bytes) -> First | None:
        """That of a command, by `named`."""
        found = self._scratch.get(_PREFIX + name)
        return None if found is None else _decode(found)

    def begin(self, result: Result, order_id: str, first: First) -> None:
        """Remember the first result of a command, which names this order or none."""
        self.keep(named(result.aggregate_type, result.aggregate_id, order_id, result.command_id), first)
        if first.sure:
            self._scratch.put(_LAST + _beside(result.aggregate_type, result.aggregate_id, order_id), b"%d" % first.result)

    def keep(self, name: bytes, first: First) -> None:
        """Remember what was found of its events."""
        self._scratch.put(_PREFIX + name, _encode(first))

    async def last(self, aggregate_type: str) -> AsyncIterator[tuple[str, int]]:
        """The offsets of the last first results that must be reflected in rows, for each aggregate and, after a slash, each order that its commands named."""
        prefix = _LAST + f"{aggregate_type}{NUL}".encode()
        async for key, value in self._scratch.scan(prefix):
            yield key.removeprefix(prefix).decode(), int(value)

    async def eventless(self) -> AsyncIterator[tuple[str, First]]:
        """The accepted commands of which not all events were found."""
        async for key, value in self._scratch.scan(_PREFIX):
            first = _decode(value)
            if first.accepted and first.sure and first.seen < first.events:
                yield told(key.removeprefix(_PREFIX)), first


def named(aggregate_type: str, aggregate_id: str, order_id: str, command_id: str) -> bytes:
    """What makes a command the same command; `order_id` is empty where it names none."""
    return f"{aggregate_type}{NUL}{aggregate_id}{NUL}{order_id}{NUL}{command_id}".encode()


def _beside(aggregate_type: str, aggregate_id: str, order_id: str) -> bytes:
    return f"{aggregate_type}{NUL}{aggregate_id}{'/' if order_id else ''}{order_id}".encode()


def told(name: bytes) -> str:
    """The same for people."""
    aggregate_type, aggregate_id, order_id, command_id = name.decode().split(NUL, 3)
    return f"{command_id} to {aggregate_type} {aggregate_id}" + (f" about order {order_id}" if order_id else "")
