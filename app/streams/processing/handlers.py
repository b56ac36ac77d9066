"""What a task needs from those around it: an agent's handler, who is woken by timers, and the flow of records."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from aiokafka import ConsumerRecord, TopicPartition

from app.streams.state.store import StateStore


class RecordHandler(Protocol):
    """What an agent does with a record, inside the transaction of the task."""

    agent: str
    """The agent's name."""

    def __call__(self, record: ConsumerRecord) -> None:
        """Process it; Park keeps it for later, any other exception parks it as `failed`."""

    def parked(self, record: ConsumerRecord, reason: str, error: str) -> None:
        """Tell whoever waits for an answer that the record was parked."""


class TimerHandler(Protocol):
    """An agent that sets timers, and what it does when one is due, inside a transaction of the task in which the timer's row goes."""

    agent: str
    """The agent's name."""

    def wake(self, key: str, due_ms: int, now_ms: int) -> None:
        """The timer was due at `due_ms`, and it is `now_ms` (milliseconds since 1970, the brokers' time). What raises is undone, and woken again later."""

    def awaits(self, key: str) -> Iterable[TopicPartition]:
        """Where the commands lie whose answers the key waits for: it is not woken before the group has read them. They are written when its timer is set."""

    def asleep(self, store: StateStore) -> Iterable[tuple[str, int]]:
        """The keys that wait, and until when, as the committed rows say: a rebuild sets their timers anew, for the log of record has none."""


class FetchControl(Protocol):
    """How a task starts and stops the records that come to it."""

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition from the offset on."""

    def stop(self, partition: int) -> None:
        """Fetch nothing more for this partition."""

    async def reached(self, partition: int) -> Mapping[str, int]:
        """From where is fetched next, of the topics of which no record waits for its agent."""

    async def owned(self) -> bool:
        """True once the group has answered that this worker still is a member in the generation it knows."""
