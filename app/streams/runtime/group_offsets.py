"""Offsets up to which the tasks have read their topics: stored in the tasks' own rows once a partition is idle, then committed to the consumer group.

The tasks need the rows: a position below the commit markers at the end of its topic would look like lost input as soon as retention has deleted the
markers. The group's offsets are for people who look at its lag, and for a rebuild that has no other source. They follow the rows: where the group's lag
is 0, retention may delete everything, and the worker may be killed.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from faust.types import TP

from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import reading, stable_ends
from app.streams.tasks.task import Task

log = logging.getLogger(__name__)

MARKERS_S = 2.0
"""Timeout of a stopping worker for looking at the offsets after the last records (seconds)."""

LOOK_MS = 20

LOOKED_AT_BYTES = 64 << 10
"""Size of a fetch of each partition, enough to see its next record (bytes)."""


class GroupConsumer(Protocol):
    """Consumer of this worker, as the reporter uses it."""

    async def idle_positions(self) -> Mapping[TP, int]:
        """Return the next fetch offsets of the partitions of which no record waits for its agent."""

    async def give(self, offsets: Mapping[TP, int]) -> bool:
        """Commit offsets to the consumer group; return False if the group did not take them."""


class GroupOffsetReporter:
    """Reporter of the offsets of all tasks of this worker."""

    def __init__(self, bootstrap: str, consumer: Callable[[], GroupConsumer], tasks: Callable[[], Sequence[Task]]) -> None:
        """`consumer` returns the consumer of this worker, which is created when the worker starts; `tasks` returns its tasks."""
        self._bootstrap = bootstrap
        self._consumer = consumer
        self._tasks = tasks
        self._before: Mapping[TP, int] = {}

    async def tell(self) -> None:
        """Store the positions that have not moved since the last call, and commit stored positions that the group does not know yet."""
        read = await self._read_up_to()
        still = {tp: offset for tp, offset in read.items() if self._before.get(tp) == offset}
        self._before = read
        for task in self._tasks():
            task.keep_position(_of(task, still))
        await self._commit()

    async def settle(self) -> None:
        """Let each task finish its transaction and store its position, before a clean stop.

        Fetching has stopped by then, and the records fetched last may have been dropped. So this method reads what follows the committed positions
        itself: it steps over the commit markers that have just been written, and over no record.
        """
        await asyncio.gather(*(task.settle() for task in self._tasks()))
        read = {TP(topic, task.partition): position.offset_next for task in self._tasks() for topic, position in task.positions.items()}
        try:
            async with asyncio.timeout(MARKERS_S):
                await self._step_over_markers(read)
        except (KafkaError, TimeoutError) as error:
            log.info("what follows the last records was not looked at: %r", error)
        await asyncio.gather(*(task.keep(_of(task, read)) for task in self._tasks()))

    async def _step_over_markers(self, read: dict[TP, int]) -> None:
        """Move each position to the next record, or to the end of its partition if there is none."""
        async with reading(self._bootstrap, LOOKED_AT_BYTES) as consumer:
            ends = await stable_ends(consumer, [TopicPartition(*tp) for tp in read])
            left = {where for where, end in ends.items() if read[TP(*where)] < end}
            consumer.assign(left)
            for where in left:
                consumer.seek(where, read[TP(*where)])
            while left:
                records = await _first_records(consumer, left)
                for where in list(left):
                    read[TP(*where)] = records[where] if where in records else await consumer.position(where)
                    if where in records or read[TP(*where)] >= ends[where]:
                        left.remove(where)

    async def _commit(self) -> None:
        told = {TP(topic, task.partition): offset for task in self._tasks() for topic, offset in task.group_offsets.items()}
        kept = {TP(topic, task.partition): position.offset_next for task in self._tasks() for topic, position in task.positions.items()}
        offsets = {tp: offset for tp, offset in kept.items() if told.get(tp) != offset}
        if offsets and await self._consumer().give(offsets):
            for task in self._tasks():
                task.committed_to_group(_of(task, offsets))

    async def _read_up_to(self) -> dict[TP, int]:
        tasks = {task: task.opening for task in self._tasks()}
        if not tasks:  # before the first assignment the consumer's thread answers no call: the worker would wait for ever
            return {}
        fetched = await self._consumer().idle_positions()
        found = ((task, task.read_up_to(opening, _of(task, fetched))) for task, opening in tasks.items())
        return {TP(topic, task.partition): offset for task, offsets in found for topic, offset in offsets.items()}


async def _first_records(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
    """Return the offset of the first fetched record of each partition that has one."""
    try:
        fetched = await consumer.getmany(*partitions, timeout_ms=LOOK_MS)
    except UnreadableBatch as error:
        return {error.where: error.first}
    return {where: records[0].offset for where, records in fetched.items()}


def _of(task: Task, offsets: Mapping[TP, int]) -> dict[str, int]:
    """Return the offsets of the topics that an open task reads."""
    return {topic: offsets[tp] for topic in task.positions if (tp := TP(topic, task.partition)) in offsets}
