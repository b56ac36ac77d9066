"""Commands that the group has not read yet. A timer that waits for the result of such a command is put off.

All workers report once a second how far the group has read. A result is committed together with the position after its command. So a task that asks the
group, then writes a tick and reads it back has read the results of all commands below the position that the group reported.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from app.settings import Settings
from app.streams.kafka.reader import group_offsets, reading

Ends = Mapping[TopicPartition, int]
"""Upper bounds of offsets, by partition of a command topic. Every command in question lies below its bound."""


class Unread:
    """Group positions that were reported last, and timers that were put off, of one incarnation of a task."""

    def __init__(self, client: AIOKafkaClient, settings: Settings, partitions: Sequence[TopicPartition]) -> None:
        """Begin without any position. `partitions` are all that can contain commands."""
        self._client = client
        self._settings = settings
        self._partitions = partitions
        self._first: Ends | None = None
        self._read: Ends = {}
        self._held: dict[TopicPartition, list[tuple[int, str]]] = {}

    def __bool__(self) -> bool:
        """Return whether a timer is put off."""
        return any(self._held.values())

    async def ask(self) -> list[str]:
        """Ask the group how far it has read, and return the timers that need not wait any longer. Raises KafkaError when the brokers do not answer."""
        if self._first is None:
            async with reading(self._settings.bootstrap, isolation="read_uncommitted") as consumer:
                self._first = await consumer.end_offsets(self._partitions)  # commands of earlier incarnations lie below
        self._read = await group_offsets(self._client, self._settings.app_id, self._partitions)
        return [timer for where, held in self._held.items() for timer in _below(held, self._read.get(where, 0))]

    def holds(self, timer: str, awaited: Iterable[TopicPartition], ends: Ends) -> bool:
        """Put a timer off, and return True, if a command that it waits for may be unread.

        `ends` are the offsets up to which this incarnation had written when it set the timer.
        """
        first = self._first or {}
        for where in awaited:
            end = ends.get(where, first.get(where, 0))
            if end > self._read.get(where, 0):
                heappush(self._held.setdefault(where, []), (end, timer))
                return True
        return False


def _below(held: list[tuple[int, str]], offset: int) -> Iterable[str]:
    while held and held[0][0] <= offset:
        yield heappop(held)[1]
