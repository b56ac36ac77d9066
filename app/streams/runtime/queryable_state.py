"""Queryable state: the rows that this worker may serve now, of partitions on which it holds a valid lease."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Protocol

from faust.types import TP

from app.streams.rebuild.coordinator import BuildCoordinator
from app.streams.state.store import StateStore
from app.streams.tasks.task import Task
from app.streams.tasks.view_task import ViewTask


class GroupMember(Protocol):
    """Consumer of this worker, as queries use it."""

    @property
    def refusal(self) -> str:
        """Reason why the group rejects this worker; empty if it does not, or nothing is known."""

    def certain(self, generation: int) -> bool:
        """Return True while this worker holds a valid lease on its assignment of this generation."""

    async def idle_positions(self, wanted: Collection[TP]) -> Mapping[TP, int]:
        """Return the next fetch offsets of those of the wanted partitions of which no record waits for its agent."""


class Assignment(Protocol):
    """Assignment of partitions to this worker by its group."""

    @property
    def generation(self) -> int:
        """Generation of the last assignment; negative before the first."""

    @property
    def rebalancing(self) -> bool:
        """True while the group distributes its partitions."""


class QueryableState:
    """State of this worker's open tasks, for queries, readiness and metrics."""

    def __init__(
        self,
        assignment: Assignment,
        consumer: Callable[[], GroupMember],
        tasks: Mapping[int, Task],
        views: Mapping[int, ViewTask],
        incomplete: Mapping[int, Sequence[str]],
    ) -> None:
        """`tasks` and `views` are the assigned ones by partition, `incomplete` the topics that a partition lacks. All three change with the assignment.

        `consumer` returns the consumer of this worker, which is created when the worker starts.
        """
        self._assignment = assignment
        self._consumer = consumer
        self._tasks = tasks
        self._views = views
        self._incomplete = incomplete

    def serves(self, partition: int) -> bool:
        """Return True while the task is open and this worker holds a valid lease on its partition."""
        task = self._tasks.get(partition)
        return task is not None and self.certain(task)

    def store(self, partition: int) -> StateStore | None:
        """Return the committed rows of a served partition; None if it is not served."""
        return self._tasks[partition].store if self.serves(partition) else None

    def view(self, partition: int) -> StateStore | None:
        """Return the rows of a served partition's view; None if it is not served."""
        task = self._views.get(partition)
        return task.store if task is not None and self.certain(task) else None

    def views(self, partition: int) -> bool:
        """Return True if this worker has the partition's view, served or not."""
        return partition in self._views

    def builds(self, partition: int) -> BuildCoordinator | None:
        """Return the coordinator of the builds of a served partition's view; None if it is not served."""
        task = self._views.get(partition)
        return task.builds if task is not None and self.certain(task) else None

    def unshown(self) -> Counter[str]:
        """Count for each agent the views of this worker in which its rows are hidden."""
        return Counter(agent for task in self._views.values() for agent in task.unshown)

    def view_stop(self, partition: int) -> str:
        """Return why the partition's view is stopped until an operator acts; empty if it is not."""
        return self._views[partition].stop_reason if partition in self._views else ""

    async def read_up_to(self, partition: int, topic: str) -> int:
        """Return the offset up to which the partition's task has read a topic; 0 while it is not open."""
        task = self._tasks.get(partition)
        if task is None:
            return 0
        opening, fetched = task.opening, await self._consumer().idle_positions({TP(topic, partition)})
        return task.read_up_to(opening, {tp.topic: offset for tp, offset in fetched.items()}).get(topic, 0)

    def unserved(self) -> list[str]:
        """List what this worker waits for until it serves all partitions assigned to it."""
        refusal = self._consumer().refusal
        if self._assignment.generation < 0 or self._assignment.rebalancing:
            return [f"an assignment ({refusal})" if refusal else "an assignment"]
        views = [task for _, task in sorted(self._views.items())]
        waiting = [f"its group ({refusal})"] if refusal else []
        waiting += [_incomplete(*each) for each in sorted(self._incomplete.items())]
        waiting += [_waiting(f"partition {partition}", task) for partition, task in sorted(self._tasks.items()) if self._lacking(task)]
        waiting += [_waiting(task.name, task) for task in views if self._lacking(task)]
        return waiting + [f"{task.name} (tables that are rebuilt: {', '.join(task.unshown)})" for task in views if self.certain(task) and task.unshown]

    def stops(self) -> Iterator[tuple[str, int, bool]]:
        """Yield each task of this worker: `write` or `view`, its partition, and whether it is stopped until an operator acts."""
        yield from (("write", partition, self._tasks[partition].stopped) for partition in self._tasks)
        yield from (("view", partition, self._views[partition].stopped) for partition in self._views)
        yield from (("write", partition, True) for partition in set(self._incomplete) - set(self._tasks))

    def _lacking(self, task: Task) -> bool:
        return not self.certain(task) or task.stopped or bool(task.trouble)

    def certain(self, task: Task) -> bool:
        """Return True while the task can serve its rows and this worker holds a valid lease on its partition."""
        return task.serving and self._consumer().certain(self._assignment.generation)


def _waiting(name: str, task: Task) -> str:
    if task.stopped:
        return f"{name} (stopped: {task.stop_reason})"
    return f"{name} ({task.trouble})" if task.trouble else name


def _incomplete(partition: int, topics: Sequence[str]) -> str:
    return f"partition {partition} (not assigned here, to another worker or missing: {', '.join(topics)})"
