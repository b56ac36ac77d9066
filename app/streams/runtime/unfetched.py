"""What the broker has for a task and does not give: aiokafka asks again and again, and tells nobody which error the broker answers each time."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from faust.types import TP

from app.streams.kafka.reader import stable_ends
from app.streams.tasks.task import Task

AFTER_S = 15.0
"""How long nothing is given before the task says so (seconds)."""

Idle = Callable[[], Awaitable[Mapping[TP, int]]]


class Unfetched:
    """One worker's: asked every few seconds."""

    def __init__(self, idle: Idle) -> None:
        """`idle` says from where is fetched next, for the partitions of topics of which no record waits for its agent."""
        self._idle = idle
        self._since: dict[TP, tuple[int, float]] = {}
        """From where each partition that gives nothing is fetched, and since when (monotonic seconds)."""

    async def look(self, consumer: AIOKafkaConsumer, tasks: Iterable[Task]) -> None:
        """Tell each of these tasks what of its topics is not given to it. KafkaError when the broker does not say where they end."""
        idle = await self._idle()
        reading = {TP(topic, task.partition): task for task in tasks if task.ready.is_set() for topic in task.positions}
        ends = await stable_ends(consumer, [TopicPartition(*tp) for tp in reading if tp in idle])
        behind = {tp: end for (topic, partition), end in ends.items() if idle[tp := TP(topic, partition)] < end}
        self._since = {tp: self._still(tp, idle[tp]) for tp in behind}
        for task in set(reading.values()):
            task.not_given = {}
        for tp, end in behind.items():
            offset, since_s = self._since[tp]
            if time.monotonic() - since_s > AFTER_S:
                reading[tp].not_given[tp.topic] = (
                    f"{tp.topic} [{tp.partition}] gives nothing from {offset} on, although it has records up to {end}: the log of its broker says why, "
                    "and the worker reads on once it does"
                )

    def _still(self, tp: TP, offset: int) -> tuple[int, float]:
        before = self._since.get(tp)
        return before if before is not None and before[0] == offset else (offset, time.monotonic())
