"""What the code of an agent or a table stands on while a task runs it: that task's rows and outgoing records."""

from contextvars import ContextVar
from typing import NamedTuple, Protocol

from app.kernel.rows import Rows

Headers = list[tuple[str, bytes]]
"""aiokafka takes nothing but a list."""

_NONE: Headers = []


class Outgoing(NamedTuple):
    """A record to be written by the open transaction; `partition` None means the one its key belongs to."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = _NONE
    partition: int | None = None


class Unit(Protocol):
    """The open unit of work of a task."""

    rows: Rows
    outgoing: list[Outgoing]


current: ContextVar[Unit] = ContextVar("current unit of work")


def emit(topic: str, key: bytes, value: bytes, headers: Headers = _NONE) -> None:
    """Write a record to `topic` (its name on the broker) with everything else this transaction causes, or not at all."""
    current.get().outgoing.append(Outgoing(topic, key, value, headers))
