"""What the consumer group is told: how far the tasks are, for those who look at its lag, and for a rebuild that has nothing else to go by."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from faust.types import TP

from app.kernel.task import Task


class GroupOffsets:
    """Tells what it has not told yet."""

    def __init__(self, app: Any, tasks: Callable[[], Sequence[Task]]) -> None:  # noqa: ANN401 (the application imports this module's users)
        self._app = app
        self._tasks = tasks

    async def tell(self) -> None:
        """Commit the positions of all tasks."""
        offsets = await self._untold()
        if offsets and await self._app.consumer.give(offsets):
            for task in self._tasks():
                task.group_offsets |= {topic: offsets[tp] for topic in task.positions if (tp := TP(topic, task.partition)) in offsets}

    async def _untold(self) -> dict[TP, int]:
        """The positions of which the group does not know; of an idle partition, the one behind what is no record (commit markers)."""
        if not self._tasks():  # before its first assignment a worker would wait for ever for a consumer's thread that answers nobody yet
            return {}
        read = await self._app.consumer.idle_positions()
        told = {TP(topic, task.partition): offset for task in self._tasks() for topic, offset in task.group_offsets.items()}
        return {tp: offset for tp, offset in self._processed(read) if told.get(tp) != offset}

    def _processed(self, read: Mapping[TP, int]) -> Iterator[tuple[TP, int]]:
        for task in self._tasks():
            for topic, position in task.positions.items():
                tp = TP(topic, task.partition)
                yield tp, position.offset_next if task.busy else max(position.offset_next, read.get(tp, 0))
