"""Interfaces that a task uses: record handlers of agents, timer handlers, and fetch control."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from aiokafka import ConsumerRecord, TopicPartition

from app.streams.state.store import StateStore


class RecordHandler(Protocol):
    """Handler of an agent's records. It runs inside the transaction of the task."""

    agent: str
    """Name of the agent."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Process a record. Park keeps it for later; any other exception parks it as `failed`."""

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Notify the sender, which waits for a result, that the record was parked."""


class TimerHandler(Protocol):
    """Handler of an agent's timers. It runs inside the transaction of the task that deletes the timer's row."""

    agent: str
    """Name of the agent."""

    def wake(self, key: str, due_ms: int, now_ms: int) -> None:
        """Handle a timer that was due at `due_ms`, at `now_ms` (milliseconds since 1970, the brokers' time).

        If it raises, its effects are rolled back, and the timer fires again later.
        """

    def awaits(self, key: str) -> Iterable[TopicPartition]:
        """Return the partitions of the commands whose results the key waits for.

        Its timer does not fire before the group has read these commands, which are written when the timer is set.
        """

    def asleep(self, store: StateStore) -> Iterable[tuple[str, int]]:
        """Return the pending timers, each a key and its due time, as they follow from the committed rows.

        A rebuild sets these timers again, because the log of record has none.
        """


class FetchControl(Protocol):
    """Control over which records a task receives."""

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition from its offset on."""

    def stop(self, partition: int) -> None:
        """Stop fetching for this partition."""

    async def reached(self, partition: int) -> Mapping[str, int]:
        """Return the next fetch offset of each topic of which no record waits for its agent."""

    async def owned(self) -> bool:
        """Return True once the group has answered that this worker is still a member in the generation it knows."""
