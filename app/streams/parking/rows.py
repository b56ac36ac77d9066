"""The open records of a task, as rows: all of them by place, those that block also in the order of their queues.

A queue is the records of one key on one topic that wait behind its first, the head. A head that is `behind-parked` itself is about to be released.
What came from a topic that had the name before is older than all that came from its successor, whatever the offsets.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from aiokafka import ConsumerRecord
from msgspec.structs import replace

from app.streams.parking.record import BEHIND, ParkedRecord, ParkingOutcome, blocks, parse
from app.streams.processing.context import current
from app.streams.state.store import StateStore
from app.streams.state.table import Table

NUL = "\0"

LATER = "g"
"""What comes behind all digits: keys of rows from a topic that was created again begin with it."""

parked = Table[ParkedRecord](None, name="parked", value_type=ParkedRecord, cached=False)
"""Open records by place and agent; those of a topic sort by its generation, and then by offset."""

waiting = Table[str](None, name="parked-waiting", value_type=str)
"""The reasons of those that block, by queue and offset: the first of a queue is its head."""


def keep(row: ParkedRecord) -> None:
    """It is open, from this transaction on."""
    parked[_key(row)] = row
    if row.blocks:
        waiting[_waiting(row)] = row.reason


def let_go(row: ParkedRecord) -> None:
    """It is open no more; earlier code may have let it block its key where today's does not."""
    del parked[_key(row)]
    if row.key is not None and waiting.get(_waiting(row)) is not None:
        del waiting[_waiting(row)]


def found(topic: str, offset: int) -> list[ParkedRecord]:
    """What is open of a place, from the committed rows of the current task: a row for each agent that parked what came from there.

    Where the topic was created again, the records of the oldest of that name come first.
    """
    first = [row for _, row in parked.rows(_store(), f"{_place(topic, offset)}\0")]
    later = (row for _, row in parked.rows(_store(), f"{topic}\0{LATER}") if row.offset == offset) if not first else iter(())
    _, rows = next(groupby(later, key=lambda row: row.generation), (0, first))
    return list(rows)


class ReadAgain:
    """Takes over what the topic `parked` says of the topics that agents read: it alone tells what is open."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}

    def take(self, record: ConsumerRecord, agent: str) -> None:
        """Take the next record, about a topic that this agent reads."""
        said = parse(record)
        before = self._before(said, agent)
        if before is not None:
            let_go(before)
        if isinstance(said, ParkedRecord):
            keep(replace(said, generation=self.generation(said.topic, said.topic_id)))

    def generation(self, topic: str, topic_id: str) -> int:
        """How many topics had the name before the one with this id."""
        ids = self._ids.setdefault(topic, [])
        if topic_id not in ids:
            ids.append(topic_id)
        return ids.index(topic_id)

    def _before(self, said: ParkedRecord | ParkingOutcome, agent: str) -> ParkedRecord | None:
        """What is open of the place; what became of a record may not name the topic's id."""
        ids = self._ids.get(said.topic, [])
        named = [ids.index(said.topic_id)] if said.topic_id in ids else []
        generations = named or ([] if isinstance(said, ParkedRecord) else reversed(range(len(ids))))
        rows = (parked.get(f"{_place(said.topic, said.offset, generation)}\0{agent}") for generation in generations)
        return next((row for row in rows if row is not None), None)


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


def head(store: StateStore, queue: str) -> tuple[str, str] | None:
    """The place in its topic and the reason of the first record of a queue, from committed rows; None when nothing waits in it."""
    return next(((key.rpartition(NUL)[2], reason) for key, reason in waiting.rows(store, f"{queue}\0")), None)


def in_order(queue: str) -> Iterator[ParkedRecord]:
    """The records of a queue, from the committed rows of the current task."""
    agent, topic, _ = queue.split("\0")
    for key, _ in waiting.rows(_store(), f"{queue}\0"):
        yield parked[f"{topic}\0{key.rpartition(NUL)[2]}\0{agent}"]


def listed(store: StateStore, topic: str, offset: int, agent: str = "", generation: int = 0) -> Iterator[ParkedRecord]:
    """All open records from a place and an agent on, in the order of topics, generations, offsets and agents, from committed rows."""
    return (row for _, row in parked.rows(store, start=f"{_place(topic, offset, generation)}\0{agent}"))


def is_head(store: StateStore, row: ParkedRecord) -> bool:
    """True if no open record holds it up."""
    return not row.blocks or head(store, queue(row)) == (at(row.offset, row.generation), row.reason)


def counts() -> Counter[tuple[str, str]]:
    """How many records are open, by topic and reason, from the committed rows of the current task."""
    return Counter((row.topic, row.reason) for _, row in parked.rows(_store()))


def queue(row: ParkedRecord) -> str:
    """The name of the queue in which a blocking record is."""
    assert row.key is not None, "a record without a key blocks nothing"
    return queue_of(row.agent, row.topic, row.key)


def _store() -> StateStore:
    return current.get().rows.store


def at(offset: int, generation: int = 0) -> str:
    """A place in a topic, as it stands in keys; rows of the first topic of a name are the oldest."""
    return f"{LATER}{generation:06d}.{offset:020d}" if generation else f"{offset:020d}"


def parse_at(text: str) -> tuple[int, int]:
    """The offset and the generation in such a place; ValueError when it is none."""
    generation, dot, offset = text.removeprefix(LATER).rpartition(".")
    return int(offset), int(generation) if dot else 0


def _place(topic: str, offset: int, generation: int = 0) -> str:
    return f"{topic}\0{at(offset, generation)}"


def _key(row: ParkedRecord) -> str:
    return f"{_place(row.topic, row.offset, row.generation)}\0{row.agent}"


def _waiting(row: ParkedRecord) -> str:
    return f"{queue(row)}\0{at(row.offset, row.generation)}"
