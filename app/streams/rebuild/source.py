"""The events of one read model as a build reads them: on its own, behind the live view and never ahead of it."""

from collections import deque
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import step_over
from app.streams.parking.skips import NONE, Skips

LOOK_MS = 50
"""How long is waited for events at most."""


class Source:
    """One partition of some topics; what is fetched too early waits."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: int, starts: Mapping[str, int], skips: Skips = NONE) -> None:
        """A consumer to which nothing was assigned yet, from where to read, and what to pass over."""
        self._consumer = consumer
        self._skips = skips
        self._where = {topic: TopicPartition(topic, partition) for topic in starts}
        self._waiting: dict[str, deque[ConsumerRecord]] = {topic: deque() for topic in starts}
        self._read_to = dict(starts)
        consumer.assign(list(self._where.values()))
        for topic, offset in starts.items():
            consumer.seek(self._where[topic], offset)

    async def fill(self) -> None:
        """Fetch from the topics of which nothing waits. UnreadableBatch when one cannot be read on."""
        empty = [topic for topic, waiting in self._waiting.items() if not waiting]
        if not empty:
            return
        try:
            fetched = await self._consumer.getmany(*(self._where[topic] for topic in empty), timeout_ms=LOOK_MS)
        except UnreadableBatch as error:
            step_over(self._consumer, error, self._skips)
            return
        for topic in empty:
            self._waiting[topic].extend(fetched.get(self._where[topic], ()))
            self._read_to[topic] = await self._consumer.position(self._where[topic])

    def take(self, topic: str, limit: int, room: int) -> list[ConsumerRecord]:
        """The next events below an offset, so many at most."""
        waiting, taken = self._waiting[topic], list[ConsumerRecord]()
        while waiting and waiting[0].offset < limit and len(taken) < room:
            taken.append(waiting.popleft())
        return taken

    def missing(self, topic: str, limit: int) -> int:
        """How far what was taken is from an offset."""
        waiting = self._waiting[topic]
        return max(0, limit - (waiting[0].offset if waiting else self._read_to[topic]))
