"""Watching whether the log still is the one that the open tasks know: one question every few seconds for all tasks of a worker.

A task whose log looks different is opened again: that compares everything in one place, and says what happened and what the choices are.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from app.errors import FoldstreamError
from app.streams.kafka.reader import reading, written_ends
from app.streams.kafka.topic_ids import Cluster, present
from app.streams.runtime.unfetched import Idle, Unfetched
from app.streams.tasks.task import Task

log = logging.getLogger(__name__)

EVERY_S = 3.0
"""How long a log may be another before that is noticed, beside what offsets show at once (seconds)."""

Present = Callable[[], Sequence[Task]]
Seen = Callable[[Cluster], Awaitable[None]]


class LogWatch:
    """One worker's: it looks every few seconds, and at once when the assignment has changed."""

    def __init__(self, bootstrap: str, topics: Callable[[], Collection[str]], tasks: Present, seen: Seen, idle: Idle) -> None:
        """`topics` are all that the worker works with (names on the broker), `tasks` those that are here; `seen` is given what topics there are, each time.

        `idle` says from where is fetched next, for the partitions of topics of which no record waits for its agent.
        """
        self._bootstrap = bootstrap
        self._topics = topics
        self._tasks = tasks
        self._seen = seen
        self._unfetched = Unfetched(idle)
        self._due = asyncio.Event()

    def look_soon(self) -> None:
        """Do not wait for the next time."""
        self._due.set()

    async def follow(self) -> None:
        """Never return; while the broker does not answer, the log counts as unchanged."""
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

    def _compare_topics(self, now: Cluster) -> None:
        for task in self._tasks():
            if (known := task.known) and (what := known.changed(now)):
                _open_again(task, what)

    async def _compare_ends(self, consumer: AIOKafkaConsumer) -> None:
        """Ask for the ends after what the tasks know was taken: meanwhile they only grow."""
        all_known = {task: known for task in self._tasks() if (known := task.known)}
        ends = await written_ends(consumer, [*{where for known in all_known.values() for where in known.ends}])
        for task, known in all_known.items():
            if (what := known.cut(ends)) and task.known is not None:
                _open_again(task, what)


def _open_again(task: Task, what: str) -> None:
    log.warning("%s is opened again, for its log is not what it was: %s", task.name, what, extra={"event": "log_changed", "task": task.partition})
    task.retake()
