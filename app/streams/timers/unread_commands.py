"""Commands that the group has not read yet: a timer that is there for the lack of an answer to one of them is put off.

How far the group has read is told by all workers, once a second. An answer is committed with the position behind its command, so a task that reads a tick
which it wrote after it had asked the group has heard the answers to all commands below what the group said.
"""

from collections.abc import Iterable, Mapping, Sequence
from heapq import heappop, heappush

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient

from app.settings import Settings
from app.streams.kafka.reader import group_offsets, reading

Ends = Mapping[TopicPartition, int]
"""By partition of a command topic, an offset that no command in question reaches."""


class Unread:
    """One opening's: what the group said last, and the timers that were put off."""

    def __init__(self, client: AIOKafkaClient, settings: Settings, partitions: Sequence[TopicPartition]) -> None:
        """`partitions` are all in which commands can lie."""
        self._client = client
        self._settings = settings
        self._partitions = partitions
        self._first: Ends | None = None
        self._read: Ends = {}
        self._held: dict[TopicPartition, list[tuple[int, str]]] = {}

    def __bool__(self) -> bool:
        """True while a timer is put off."""
        return any(self._held.values())

    async def ask(self) -> list[str]:
        """Ask the group how far it has read; return the timers that need not wait any longer. KafkaError when the brokers do not answer."""
        if self._first is None:
            async with reading(self._settings.bootstrap, isolation="read_uncommitted") as consumer:
                self._first = await consumer.end_offsets(self._partitions)  # commands of earlier openings lie below
        self._read = await group_offsets(self._client, self._settings.app_id, self._partitions)
        return [timer for where, held in self._held.items() for timer in _below(held, self._read.get(where, 0))]

    def holds(self, timer: str, awaited: Iterable[TopicPartition], ends: Ends) -> bool:
        """Put a timer off, and return True, if a command that it awaits may be unread; it was set when this opening had written up to these `ends`."""
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
