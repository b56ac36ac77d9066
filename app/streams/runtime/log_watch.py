"""Watch over the logs of the open tasks: every few seconds, one query for all tasks of a worker checks that the logs have not been cut or replaced.

A task whose log looks different is restarted. Its opening compares everything in one place, and reports what happened and what the choices are.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from app.errors import FoldstreamError
from app.streams.kafka.reader import reading, stable_ends, written_ends
from app.streams.kafka.topic_ids import ClusterIds, present
from app.streams.tasks.task import Task

log = logging.getLogger(__name__)

AFTER_S = 15.0
"""Time without any record after which a partition is reported as stalled (seconds)."""

Idle = Callable[[], Awaitable[Mapping[TP, int]]]


class Unfetched:
    """Detector of partitions whose broker returns no records; checked every few seconds."""

    def __init__(self, idle: Idle) -> None:
        """`idle` returns the next fetch offsets of the partitions of which no record waits for its agent."""
        self._idle = idle
        self._since: dict[TP, tuple[int, float]] = {}
        """Next fetch offset of each stalled partition, and since when it has not moved (monotonic seconds)."""

    async def look(self, consumer: AIOKafkaConsumer, tasks: Iterable[Task]) -> None:
        """Report to each of these tasks the topics of which it gets no records. Raise KafkaError if the broker does not say where they end."""
        idle = await self._idle()
        reading = {TP(topic, task.partition): task for task in tasks if task.ready.is_set() for topic in task.positions}
        ends = await stable_ends(consumer, [TopicPartition(*tp) for tp in reading if tp in idle])
        behind = {tp: end for (topic, partition), end in ends.items() if idle[tp := TP(topic, partition)] < end}
        self._since = {tp: self._still(tp, idle[tp]) for tp in behind}
        for task in set(reading.values()):
            task.supervision.not_given = {}
        for tp, end in behind.items():
            offset, since_s = self._since[tp]
            if time.monotonic() - since_s > AFTER_S:
                reading[tp].supervision.not_given[tp.topic] = (
                    f"{tp.topic} [{tp.partition}] gives nothing from {offset} on, although it has records up to {end}: the log of its broker says why, "
                    "and the worker reads on once it does"
                )

    def _still(self, tp: TP, offset: int) -> tuple[int, float]:
        before = self._since.get(tp)
        return before if before is not None and before[0] == offset else (offset, time.monotonic())


EVERY_S = 3.0
"""Longest time until a replaced log is noticed; offsets show some changes at once (seconds)."""

Present = Callable[[], Sequence[Task]]
Seen = Callable[[ClusterIds], Awaitable[None]]


class LogWatch:
    """Watch over the logs of one worker's tasks. It looks every few seconds, and at once when the assignment has changed."""

    def __init__(self, bootstrap: str, topics: Callable[[], Collection[str]], tasks: Present, seen: Seen, idle: Idle) -> None:
        """`topics` returns the broker's names of all topics of the worker, `tasks` its tasks; `seen` is called with the existing topics after each look.

        `idle` returns the next fetch offsets of the partitions of which no record waits for its agent.
        """
        self._bootstrap = bootstrap
        self._topics = topics
        self._tasks = tasks
        self._seen = seen
        self._unfetched = Unfetched(idle)
        self._due = asyncio.Event()

    def look_soon(self) -> None:
        """Look now instead of at the next interval."""
        self._due.set()

    async def follow(self) -> None:
        """Watch forever. While the broker does not answer, the log counts as unchanged."""
        while True:
            try:
                async with reading(self._bootstrap) as consumer:
                    while True:
                        await self._look(consumer)
                        await self._pause()
            except (FoldstreamError, KafkaError, TimeoutError) as error:
                log.info("whether the log has changed is not known for the moment: %r", error)
            await self._pause()

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(EVERY_S):
                await self._due.wait()
        self._due.clear()

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        now = await present(consumer._client, self._topics())  # noqa: SLF001 (aiokafka has no public way to send a request)
        self._compare_topics(now)
        await self._seen(now)
        await self._compare_ends(consumer)
        await self._unfetched.look(consumer, self._tasks())

    def _compare_topics(self, now: ClusterIds) -> None:
        for task in self._tasks():
            if (known := task.known) and (what := known.changed(now)):
                _open_again(task, what)

    async def _compare_ends(self, consumer: AIOKafkaConsumer) -> None:
        """Compare the ends of the logs with what the tasks know. Ask for the ends last: they only grow meanwhile."""
        all_known = {task: known for task in self._tasks() if (known := task.known)}
        ends = await written_ends(consumer, [*{where for known in all_known.values() for where in known.ends}])
        for task, known in all_known.items():
            if (what := known.cut(ends)) and task.known is not None:
                _open_again(task, what)


def _open_again(task: Task, what: str) -> None:
    log.warning("%s is opened again, for its log is not what it was: %s", task.name, what, extra={"event": "log_changed", "task": task.partition})
    task.retake()
