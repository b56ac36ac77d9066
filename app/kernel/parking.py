"""The open records of a task, as rows: all of them by place, those that block also in the order of their queues.

A queue is the records of one key on one topic that wait behind its first, the head. A head that is `behind-parked` itself is about to be released.
"""

from collections import Counter
from collections.abc import Iterator

from aiokafka import ConsumerRecord

from app.kernel.context import current
from app.kernel.parked import BEHIND, Parked, blocks, parse
from app.kernel.store import Store
from app.kernel.table import Table

NUL = "\0"

parked = Table[Parked](None, name="parked", value_type=Parked, cached=False)
"""Open records by place and agent; those of a topic sort by offset."""

waiting = Table[str](None, name="parked-waiting", value_type=str)
"""The reasons of those that block, by queue and offset: the first of a queue is its head."""


def keep(row: Parked) -> None:
    """It is open, from this transaction on."""
    parked[_key(row)] = row
    if row.blocks:
        waiting[_waiting(row)] = row.reason


def let_go(row: Parked) -> None:
    """It is open no more; earlier code may have let it block its key where today's does not."""
    del parked[_key(row)]
    if row.key is not None and waiting.get(_waiting(row)) is not None:
        del waiting[_waiting(row)]


def found(topic: str, offset: int) -> list[Parked]:
    """What is open of a place, from the committed rows of the current task: a row for each agent that parked what came from there."""
    return [row for _, row in parked.rows(_store(), f"{_place(topic, offset)}\0")]


def read_again(record: ConsumerRecord, agent: str) -> None:
    """Take over what a record of the topic `parked` says of a topic that one agent reads: that topic alone tells what is open."""
    said = parse(record)
    before = parked.get(f"{_place(said.topic, said.offset)}\0{agent}")
    if before is not None:
        let_go(before)
    if isinstance(said, Parked):
        keep(said)


def queue_of(agent: str, topic: str, key: bytes) -> str:
    """The name of the queue in which records of this key wait for an agent."""
    return f"{agent}\0{topic}\0{key.hex()}"


def heads() -> dict[str, str]:
    """The queues, each with the reason of its head, from the committed rows of the current task."""
    found: dict[str, str] = {}
    for key, reason in waiting.rows(_store()):
        found.setdefault(key.rpartition("\0")[0], reason)
    return found


def goes_on(queue: str, reason: str) -> bool:
    """True if a queue is released by itself, for a head with this reason blocks it no more."""
    return reason == BEHIND or not blocks(queue.split(NUL)[1], reason)


def head(store: Store, queue: str) -> tuple[int, str] | None:
    """Offset and reason of the first record of a queue, from committed rows; None when nothing waits in it."""
    return next(((int(key.rpartition("\0")[2]), reason) for key, reason in waiting.rows(store, f"{queue}\0")), None)


def in_order(queue: str) -> Iterator[Parked]:
    """The records of a queue, from the committed rows of the current task."""
    agent, topic, _ = queue.split("\0")
    for key, _ in waiting.rows(_store(), f"{queue}\0"):
        yield parked[f"{_place(topic, int(key.rpartition(NUL)[2]))}\0{agent}"]


def listed(store: Store, topic: str, offset: int, agent: str = "") -> Iterator[Parked]:
    """All open records from a place and an agent on, in the order of topics, offsets and agents, from committed rows."""
    return (row for _, row in parked.rows(store, start=f"{_place(topic, offset)}\0{agent}"))


def is_head(store: Store, row: Parked) -> bool:
    """True if no open record holds it up."""
    return not row.blocks or head(store, queue(row)) == (row.offset, row.reason)


def counts() -> Counter[tuple[str, str]]:
    """How many records are open, by topic and reason, from the committed rows of the current task."""
    return Counter((row.topic, row.reason) for _, row in parked.rows(_store()))


def queue(row: Parked) -> str:
    """The name of the queue in which a blocking record is."""
    assert row.key is not None, "a record without a key blocks nothing"
    return queue_of(row.agent, row.topic, row.key)


def _store() -> Store:
    return current.get().rows.store


def _place(topic: str, offset: int) -> str:
    return f"{topic}\0{offset:020d}"


def _key(row: Parked) -> str:
    return f"{_place(row.topic, row.offset)}\0{row.agent}"


def _waiting(row: Parked) -> str:
    return f"{queue(row)}\0{row.offset:020d}"
