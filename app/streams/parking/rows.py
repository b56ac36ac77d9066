"""Rows of a task's parked records: all of them by location, those that block also in the order of their queues.

A queue holds the records of one key on one topic that wait behind its first, the head. A head that is `behind-parked` itself is about to be released. All
records from an earlier topic of the same name are older than those from its successor, whatever the offsets.
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
"""Prefix of row keys for records from a topic that was created again. It sorts after all digits."""

parked = Table[ParkedRecord](None, name="parked", value_type=ParkedRecord, cached=False)
"""Parked records by location and agent. Those of a topic sort by its generation, then by offset."""

waiting = Table[str](None, name="parked-waiting", value_type=str)
"""Reasons of the blocking records, by queue and offset. The first of a queue is its head."""


def keep(row: ParkedRecord) -> None:
    """Park a record from this transaction on."""
    parked[_key(row)] = row
    if row.blocks:
        waiting[_waiting(row)] = row.reason


def let_go(row: ParkedRecord) -> None:
    """Unpark a record. Earlier code may have let it block its key where the current code does not."""
    del parked[_key(row)]
    if row.key is not None and waiting.get(_waiting(row)) is not None:
        del waiting[_waiting(row)]


def found(topic: str, offset: int) -> list[ParkedRecord]:
    """Return the committed rows of a location: one for each agent that parked the record from there.

    If the topic was created again, the records of the oldest topic of that name come first.
    """
    first = [row for _, row in parked.rows(_store(), f"{_place(topic, offset)}\0")]
    later = (row for _, row in parked.rows(_store(), f"{topic}\0{LATER}") if row.offset == offset) if not first else iter(())
    _, rows = next(groupby(later, key=lambda row: row.generation), (0, first))
    return list(rows)


class ReadAgain:
    """Rebuild of the rows from the topic `parked`, which alone says which records are still parked."""

    def __init__(self) -> None:
        self._ids: dict[str, list[str]] = {}

    def take(self, record: ConsumerRecord, agent: str) -> None:
        """Apply the next record, which is about a topic that this agent reads."""
        said = parse(record)
        before = self._before(said, agent)
        if before is not None:
            let_go(before)
        if isinstance(said, ParkedRecord):
            keep(replace(said, generation=self.generation(said.topic, said.topic_id)))

    def generation(self, topic: str, topic_id: str) -> int:
        """Return how many topics had the name before the one with this id."""
        ids = self._ids.setdefault(topic, [])
        if topic_id not in ids:
            ids.append(topic_id)
        return ids.index(topic_id)

    def _before(self, said: ParkedRecord | ParkingOutcome, agent: str) -> ParkedRecord | None:
        """Return the row of the location, if there is one. An outcome may not name the topic's id: then the latest generation counts."""
        ids = self._ids.get(said.topic, [])
        named = [ids.index(said.topic_id)] if said.topic_id in ids else []
        generations = named or ([] if isinstance(said, ParkedRecord) else reversed(range(len(ids))))
        rows = (parked.get(f"{_place(said.topic, said.offset, generation)}\0{agent}") for generation in generations)
        return next((row for row in rows if row is not None), None)


def queue_of(agent: str, topic: str, key: bytes) -> str:
    """Return the name of the queue in which records of this key wait for an agent."""
    return f"{agent}\0{topic}\0{key.hex()}"


def heads() -> dict[str, str]:
    """Return the queues, each with the reason of its head, from the committed rows of the current task."""
    found: dict[str, str] = {}
    for key, reason in waiting.rows(_store()):
        found.setdefault(key.rpartition("\0")[0], reason)
    return found


def goes_on(queue: str, reason: str) -> bool:
    """Return whether a queue drains automatically, because a head with this reason no longer blocks it."""
    agent, topic, _ = queue.split(NUL)
    return reason == BEHIND or not blocks(topic, agent, reason)


def head(store: StateStore, queue: str) -> tuple[str, str] | None:
    """Return the location in its topic and the reason of a queue's head, from committed rows; None when the queue is empty."""
    return next(((key.rpartition(NUL)[2], reason) for key, reason in waiting.rows(store, f"{queue}\0")), None)


def in_order(queue: str) -> Iterator[ParkedRecord]:
    """Yield the records of a queue in order, from the committed rows of the current task."""
    agent, topic, _ = queue.split("\0")
    for key, _ in waiting.rows(_store(), f"{queue}\0"):
        yield parked[f"{topic}\0{key.rpartition(NUL)[2]}\0{agent}"]


def listed(store: StateStore, topic: str, offset: int, agent: str = "", generation: int = 0) -> Iterator[ParkedRecord]:
    """Return all parked records from a location and an agent on, from committed rows. Their order is by topic, generation, offset and agent."""
    return (row for _, row in parked.rows(store, start=f"{_place(topic, offset, generation)}\0{agent}"))


def is_head(store: StateStore, row: ParkedRecord) -> bool:
    """Return whether no other parked record has to be released first."""
    return not row.blocks or head(store, queue(row)) == (at(row.offset, row.generation), row.reason)


def counts() -> Counter[tuple[str, str]]:
    """Count the parked records by topic and reason, from the committed rows of the current task."""
    return Counter((row.topic, row.reason) for _, row in parked.rows(_store()))


def queue(row: ParkedRecord) -> str:
    """Return the name of the queue that a blocking record is in."""
    assert row.key is not None, "a record without a key blocks nothing"
    return queue_of(row.agent, row.topic, row.key)


def _store() -> StateStore:
    return current.get().rows.store


def at(offset: int, generation: int = 0) -> str:
    """Return a location in a topic as it is written in row keys. Rows of the first topic of a name sort first."""
    return f"{LATER}{generation:06d}.{offset:020d}" if generation else f"{offset:020d}"


def parse_at(text: str) -> tuple[int, int]:
    """Parse a location written by `at` into offset and generation; raises ValueError when it is malformed."""
    generation, dot, offset = text.removeprefix(LATER).rpartition(".")
    return int(offset), int(generation) if dot else 0


def _place(topic: str, offset: int, generation: int = 0) -> str:
    return f"{topic}\0{at(offset, generation)}"


def _key(row: ParkedRecord) -> str:
    return f"{_place(row.topic, row.offset, row.generation)}\0{row.agent}"


def _waiting(row: ParkedRecord) -> str:
    return f"{queue(row)}\0{at(row.offset, row.generation)}"
