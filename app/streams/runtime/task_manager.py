"""Opens and closes tasks when partitions are assigned and revoked. It replaces Faust's table manager."""

import asyncio
import logging
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from faust import App
from faust.tables.manager import TableManager
from faust.types import TP
from mode import Service

from app.errors import FoldstreamError
from app.streams.errors import UnreadableBatch
from app.streams.kafka.topic_ids import ClusterIds
from app.streams.parking.record import Park
from app.streams.parking.release import NotParked, ReleaseRequest
from app.streams.processing.handlers import RecordHandler
from app.streams.processing.record_queue import RecordBatch
from app.streams.runtime.group_offsets import GroupOffsetReporter
from app.streams.runtime.log_watch import LogWatch
from app.streams.runtime.queryable_state import QueryableState
from app.streams.runtime.transport import Consumer
from app.streams.tasks.environment import claim
from app.streams.tasks.task import Task
from app.streams.tasks.view_task import ViewTask
from app.streams.tasks.write_task import WriteTask
from app.streams.topology import ReadTopology, WriteTopology

log = logging.getLogger(__name__)


class Side(Protocol):
    """Topology of the write side or of the read side."""

    @property
    def inputs(self) -> Sequence[str]:
        """Topics that its tasks read, by their names on the broker."""


class PartitionFetchControl:
    """Fetch control of one side: starts and stops partitions of the worker's consumer."""

    def __init__(self, consumer: Callable[[], Consumer], generation: Callable[[], int], side: Side) -> None:
        """`consumer` returns the consumer, which is created when the worker starts, `generation` that of the last assignment."""
        self._consumer = consumer
        self._generation = generation
        self._side = side

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition, starting at its offset."""
        await self._consumer().start_at({TP(topic, partition): offset for topic, offset in offsets.items()})

    def stop(self, partition: int) -> None:
        """Stop fetching for this partition."""
        self._consumer().pause_partitions({TP(topic, partition) for topic in self._side.inputs})

    async def reached(self, partition: int) -> dict[str, int]:
        """Return the next fetch offsets of the topics of which no record waits for its agent."""
        wanted = {TP(topic, partition) for topic in self._side.inputs}
        return {tp.topic: offset for tp, offset in (await self._consumer().idle_positions(wanted)).items()}

    async def owned(self) -> bool:
        """Return True once the group has confirmed that this worker still is a member in the generation it knows."""
        return await self._consumer().owned(self._generation())


GROUP_EVERY_S = 1.0
"""Interval at which the positions are committed to the group (seconds)."""


class NotServed(FoldstreamError):  # noqa: N818 (what it is)
    """This worker holds no valid lease on the partition."""


class TaskManager(TableManager):
    """Manager of this worker's tasks. Faust asks it for tables and reports rebalances to it; it has no changelog topics from which Faust would recover."""

    app: App
    logger = logging.getLogger("faust.tables")

    def __init__(self, app: App, side: WriteTopology, view: ReadTopology, consumer: Callable[[], Consumer]) -> None:
        """`consumer` returns the consumer of this worker, which is created when the worker starts."""
        super().__init__(app, beacon=app.beacon)
        self._side = side
        self._view = view
        self._consumer = consumer
        self._by_partition: dict[int, Task] = {}
        self._views: dict[int, ViewTask] = {}
        self.generation = -1
        """Generation of the last assignment."""
        self._incomplete: dict[int, list[str]] = {}
        """Missing topics of each partition of which only some topics are assigned here."""
        self.served = QueryableState(self, consumer, self._by_partition, self._views, self._incomplete)
        self._group_offsets = GroupOffsetReporter(side.settings.bootstrap, consumer, self._all)
        self._watch = LogWatch(side.settings.bootstrap, self._topics, self._all, self._there, self._idle)
        self._owners_id: str | None = None
        """Id of the topic in which the open tasks have claimed their partitions."""
        self._flow, self._view_flow = (PartitionFetchControl(consumer, lambda: self.generation, each) for each in (side, view))

    @property
    def inputs(self) -> set[str]:
        """Topics that the tasks read, by their names on the broker."""
        return {*self._side.inputs, *self._view.inputs}

    @property
    def rebalancing(self) -> bool:
        """True while the group distributes its partitions."""
        return self.app.rebalancing

    @property
    def changelog_topics(self) -> set[str]:
        """Changelog topics for Faust: none."""
        return set()

    def add(self, table: Any) -> Any:  # noqa: ANN401 (Faust's own signature)
        """Add a declared table by its name."""
        self[table.name] = table
        return table

    def opening(self, tp: TP) -> int | None:
        """Return the incarnation number of the task that reads this partition of a topic; None if that task is not ready for records."""
        task = self._of(tp.topic).get(tp.partition)
        return task.opening if task is not None and task.ready.is_set() else None

    def working(self) -> Iterator[tuple[int, Hashable]]:
        """Yield the partitions whose tasks have work, each with a mark that changes whenever the task has progressed or failed."""
        for partition, task in self._by_partition.items():
            if task.busy and not task.supervision.closed_for:
                yield partition, (task.opening, *(position.offset_next for position in task.positions.values()))

    async def process(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Hand a batch to its task. The batch of a closed task is dropped: the partition's new owner reads it."""
        task = self._of(batch.topic).get(batch.partition)
        if task is not None:
            await task.process(batch, handler)

    async def release(self, partition: int, request: ReleaseRequest) -> Park | None:
        """Retry or discard a parked record of a partition, as `Task.release` does. Raise NotServed if the task is not open here."""
        if request.topic not in self.inputs:
            raise NotParked(f"{request.topic} is not read here")
        task = self._of(request.topic).get(partition)
        if task is None or not self.served.certain(task):
            raise NotServed(f"what reads {request.topic} [{partition}] is not open here")
        return await task.release(request)

    def cannot_read(self, error: UnreadableBatch) -> None:
        """Report to the task that its topic cannot be read further, once all records before that point were taken."""
        task = self._of(error.where.topic).get(error.where.partition)
        if task is not None:
            task.cannot_read(error)

    def retake(self, partitions: Iterable[TP]) -> None:
        """Restart the tasks that read these partitions."""
        for task in {self._of(tp.topic).get(tp.partition) for tp in partitions}:
            if task is not None:
                task.retake()

    def fail(self, topics: Collection[str], error: Exception) -> None:
        """Restart the tasks that read these topics, after a pause."""
        for task in self._all():
            if not task.positions.keys().isdisjoint(topics):
                task.fail(error)

    async def on_start(self) -> None:
        """Start nothing: Faust's own recovery is not used."""
        self._tables_finalized.set()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """Stop cleanly: finish open transactions, release ownership, commit the group offsets, close the stores."""
        await self.app._fetcher.stop()  # noqa: SLF001 (Faust's own manager does the same)
        await self._group_offsets.settle()
        await asyncio.gather(*(task.disclaim() for task in self._all()))
        await self._group_offsets.tell()
        await self._close(set())

    async def wait_until_recovery_completed(self) -> bool:
        """Return False: tasks open on their own, one by one."""
        return False

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Do nothing yet. Until the new assignment is known, each task may finish its transaction; a fenced one cannot."""

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        """Close the tasks of revoked partitions, open those of new ones, rewind the others. None of this delays the group."""
        del revoked, newly_assigned
        self._incomplete.clear()
        complete = self._complete(assigned, set(self._side.inputs))
        views = self._complete(assigned, set(self._view.inputs))
        await self._close(complete, views)
        self._keep(generation_id)
        if not self.should_stop:  # a task opened while the worker stops would find a stopped consumer
            self._open(complete, views)
        log.info("generation %d: partitions %s", generation_id, sorted(complete) or "none", extra={"generation": generation_id, "partitions": sorted(complete)})
        await self.app.on_rebalance_complete.send()
        await self._resume()
        self._watch.look_soon()

    def _open(self, complete: Collection[int], views: Collection[int]) -> None:
        for partition in sorted(set(complete) - set(self._by_partition)):
            task = self._by_partition[partition] = WriteTask(self._side, partition, self._flow)
            task.start()
        for partition in sorted(set(views) - set(self._views)):
            view = self._views[partition] = ViewTask(self._view, partition, self._view_flow)
            view.start()

    def _keep(self, generation_id: int) -> None:
        """Rewind a task if no other worker can have owned its partition since the last generation; restart it otherwise, and if it is stopped."""
        followed, self.generation = generation_id == self.generation + 1, generation_id
        for task in self._all():
            if followed and not task.supervision.closed_for:
                self.add_future(task.rewind())
            else:
                task.retake()

    async def _resume(self) -> None:
        self.app.flow_control.resume()
        self.app.consumer.resume_flow()
        await self.app._fetcher.maybe_start()  # noqa: SLF001 (Faust's own recovery does the same)
        self.on_actives_ready()
        self.on_standbys_ready()
        self.app.on_rebalance_end()

    def _complete(self, assigned: set[TP], wanted: set[str]) -> set[int]:
        """Return the partition numbers of which all these topics are assigned here. Others cannot be served."""
        topics: dict[int, set[str]] = {}
        for tp in assigned:
            topics.setdefault(tp.partition, set()).add(tp.topic)
        for partition, found in topics.items():
            if not wanted <= found:
                missing = sorted(wanted - found)
                self._incomplete[partition] = sorted({*self._incomplete.get(partition, ()), *missing})
                log.error("partition %d stays paused: not assigned here (to another worker, or missing): %s", partition, missing, extra={"task": partition})
        return {partition for partition, found in topics.items() if wanted <= found}

    async def _close(self, kept: set[int], kept_views: Collection[int] = ()) -> None:
        """Close all tasks except those of these partitions."""
        gone = [self._by_partition.pop(partition) for partition in set(self._by_partition) - kept]
        gone += [self._views.pop(partition) for partition in set(self._views).difference(kept_views)]
        await asyncio.gather(*(task.close() for task in gone))

    def _all(self) -> list[Task]:
        return [*self._by_partition.values(), *self._views.values()]

    def _of(self, topic: str) -> Mapping[int, Task]:
        """Return the tasks that read a topic, by partition. Topics that only later versions read have none."""
        if topic in self._view.inputs:
            return self._views
        return self._by_partition if topic in self._side.inputs else {}

    async def _idle(self) -> Mapping[TP, int]:
        """Return the next fetch offsets where no record waits. Before the first assignment the consumer's thread answers no call."""
        return await self._consumer().idle_positions() if self.generation >= 0 else {}

    def _topics(self) -> set[str]:
        return {*self._side.topics, *self._view.inputs, self._side.settings.topic("owners")}

    async def _there(self, now: ClusterIds) -> None:
        """Refresh the metadata for topics that were missing; if the topic `owners` was created again, restart the tasks and write the claims again."""
        if self.generation >= 0:
            await self._consumer().look_for(now.topic_ids.keys() & self.inputs)
        owners_id = now.topic_ids.get(self._side.settings.topic("owners"), self._owners_id)
        if self._owners_id not in {None, owners_id}:
            log.warning("the topic `owners` was deleted and created again: the tasks are opened again, and claim their partitions")
            for task in self._by_partition.values():
                task.retake()
            await claim(self._side.settings)
        self._owners_id = owners_id

    @Service.task
    async def _look_after_the_log(self) -> None:
        await self._watch.follow()

    @Service.task
    async def _group(self) -> None:
        async for _ in self.itertimer(GROUP_EVERY_S, name="group offsets"):
            await self._group_offsets.tell()
