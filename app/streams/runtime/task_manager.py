"""Opens and closes tasks as partitions come and go; it stands where Faust has its table manager."""

import asyncio
import logging
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

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
from app.streams.tasks.environment import claim
from app.streams.tasks.task import Task
from app.streams.tasks.view_task import ViewTask
from app.streams.tasks.write_task import WriteTask

log = logging.getLogger(__name__)


class Side(Protocol):
    """The write side, or the views."""

    @property
    def inputs(self) -> Sequence[str]:
        """The topics that its tasks read, their names on the broker."""


class PartitionFetchControl:
    """Starts and stops partitions of the application's consumer, those of one side."""

    def __init__(self, app: Any, side: Side) -> None:  # noqa: ANN401 (the application imports this module's users)
        self._app = app
        self._side = side

    async def start(self, partition: int, offsets: Mapping[str, int]) -> None:
        """Fetch each topic of this partition from the offset on."""
        await self._app.consumer.start_at({TP(topic, partition): offset for topic, offset in offsets.items()})

    def stop(self, partition: int) -> None:
        """Fetch nothing more for this partition."""
        self._app.consumer.pause_partitions({TP(topic, partition) for topic in self._side.inputs})

    async def reached(self, partition: int) -> dict[str, int]:
        """From where is fetched next, of the topics of which no record waits for its agent."""
        wanted = {TP(topic, partition) for topic in self._side.inputs}
        return {tp.topic: offset for tp, offset in (await self._app.consumer.idle_positions(wanted)).items()}

    async def owned(self) -> bool:
        """True once the group has answered that this worker still is a member in the generation it knows."""
        return bool(await self._app.consumer.owned(self._app.tables.generation))


GROUP_EVERY_S = 1.0
"""How often the group is told the positions (seconds)."""


class NotServed(FoldstreamError):  # noqa: N818 (what it is)
    """This worker does not own the partition for certain."""


class TaskManager(TableManager):
    """Faust asks it for tables and tells it of rebalances; it knows no changelog topics that Faust would recover from."""

    app: Any
    logger = logging.getLogger("faust.tables")

    def __init__(self, app: Any, **faust: Any) -> None:  # noqa: ANN401 (Faust's own signature)
        super().__init__(app, **faust)
        self._by_partition: dict[int, Task] = {}
        self._views: dict[int, ViewTask] = {}
        self.generation = -1
        """That of the last assignment."""
        self._incomplete: dict[int, list[str]] = {}
        """The topics that are not assigned here, by the partitions of which others are."""
        self.served = QueryableState(app, self._by_partition, self._views, self._incomplete)
        self._group_offsets = GroupOffsetReporter(app, self._all)
        self._watch = LogWatch(app.side.settings.bootstrap, self._topics, self._all, self._there, self._idle)
        self._owners_id: str | None = None
        """That of the topic in which the open tasks have claimed their partitions."""
        self._flow, self._view_flow = PartitionFetchControl(app, app.side), PartitionFetchControl(app, app.view)

    @property
    def changelog_topics(self) -> set[str]:
        """None, for Faust."""
        return set()

    def add(self, table: Any) -> Any:  # noqa: ANN401 (Faust's own signature)
        """Remember a declared table by its name."""
        self[table.name] = table
        return table

    def opening(self, tp: TP) -> int | None:
        """The opening number of the task that reads this partition of a topic; None while none is ready for its records."""
        task = self._of(tp.topic).get(tp.partition)
        return task.opening if task is not None and task.ready.is_set() else None

    def working(self) -> Iterator[tuple[int, Hashable]]:
        """The partitions whose tasks have something to do, each with a mark that changes whenever something was done, or failed."""
        for partition, task in self._by_partition.items():
            if task.busy and not task.closed_for:
                yield partition, (task.opening, *(position.offset_next for position in task.positions.values()))

    async def process(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Give a batch to its task; one of a task that is gone is dropped, its new owner reads it."""
        task = self._of(batch.topic).get(batch.partition)
        if task is not None:
            await task.process(batch, handler)

    async def release(self, partition: int, request: ReleaseRequest) -> Park | None:
        """Have a parked record of a partition retried or discarded, as `Task.release`; NotServed when the task is not open here."""
        if request.topic not in {*self.app.side.inputs, *self.app.view.inputs}:
            raise NotParked(f"{request.topic} is not read here")
        task = self._of(request.topic).get(partition)
        if task is None or not self.served.certain(task):
            raise NotServed(f"what reads {request.topic} [{partition}] is not open here")
        return await task.release(request)

    def cannot_read(self, error: UnreadableBatch) -> None:
        """Tell the task that its topic cannot be read on, once all before that was taken."""
        task = self._of(error.where.topic).get(error.where.partition)
        if task is not None:
            task.cannot_read(error)

    def retake(self, partitions: Iterable[TP]) -> None:
        """Take the tasks over again that read these."""
        for task in {self._of(tp.topic).get(tp.partition) for tp in partitions}:
            if task is not None:
                task.retake()

    def fail(self, topics: Collection[str], error: Exception) -> None:
        """Have the tasks that read these topics taken over again, after a pause."""
        for task in self._all():
            if not task.positions.keys().isdisjoint(topics):
                task.fail(error)

    async def on_start(self) -> None:
        """There is no recovery of Faust's to start."""
        self._tables_finalized.set()
        self._tables_registered.set()

    async def on_stop(self) -> None:
        """A clean stop: end what is open, say so, tell the group where we are, close the stores."""
        await self.app._fetcher.stop()  # noqa: SLF001 (Faust's own manager does the same)
        await self._group_offsets.settle()
        await asyncio.gather(*(task.disclaim() for task in self._all()))
        await self._group_offsets.tell()
        await self._close(set())

    async def wait_until_recovery_completed(self) -> bool:
        """Tasks open on their own, one by one."""
        return False

    def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Nothing yet: until the new assignment is known, each task may end its transaction (a fenced one cannot)."""

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0) -> None:
        """Close the tasks that went, open those that came, rewind those that stayed; none of it holds up the group."""
        del revoked, newly_assigned
        self._incomplete.clear()
        complete = self._complete(assigned, self.app.side.subscribed)
        views = self._complete(assigned, self.app.view.subscribed)
        await self._close(complete, views)
        self._keep(generation_id)
        if not self.should_stop:  # a task that is opened while the worker ends would meet a consumer that has ended
            self._open(complete, views)
        log.info("generation %d: partitions %s", generation_id, sorted(complete) or "none", extra={"generation": generation_id, "partitions": sorted(complete)})
        await self.app.on_rebalance_complete.send()
        await self._resume()
        self._watch.look_soon()

    def _open(self, complete: Collection[int], views: Collection[int]) -> None:
        for partition in sorted(set(complete) - set(self._by_partition)):
            self._by_partition[partition] = WriteTask(self.app.side, partition, self._flow)
        for partition in sorted(set(views) - set(self._views)):
            self._views[partition] = ViewTask(self.app.view, partition, self._view_flow)

    def _keep(self, generation_id: int) -> None:
        """A task stays open only if nobody else can have owned it in between; one that is stopped is tried again."""
        followed, self.generation = generation_id == self.generation + 1, generation_id
        for task in self._all():
            if followed and not task.closed_for:
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
        """The partition numbers of which all these topics are assigned here; others cannot be served."""
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
        """End all tasks but those of these partitions."""
        gone = [self._by_partition.pop(partition) for partition in set(self._by_partition) - kept]
        gone += [self._views.pop(partition) for partition in set(self._views).difference(kept_views)]
        await asyncio.gather(*(task.close() for task in gone))

    def _all(self) -> list[Task]:
        return [*self._by_partition.values(), *self._views.values()]

    def _of(self, topic: str) -> Mapping[int, Task]:
        """The tasks that read a topic, by partition; none read what only later versions do."""
        if topic in self.app.view.inputs:
            return self._views
        return self._by_partition if topic in self.app.side.inputs else {}

    async def _idle(self) -> Mapping[TP, int]:
        """From where is fetched next, where no record waits; before its first assignment the consumer's thread answers nobody."""
        found: Mapping[TP, int] = await self.app.consumer.idle_positions() if self.generation >= 0 else {}
        return found

    def _topics(self) -> set[str]:
        side, view = self.app.side, self.app.view
        return {*side.topics, *side.subscribed, *view.subscribed, side.settings.topic("owners")}

    async def _there(self, now: ClusterIds) -> None:
        """Have topics read that were missing, and claims written again that were deleted."""
        if self.generation >= 0:
            await self.app.consumer.look_for(now.topic_ids.keys() & {*self.app.side.subscribed, *self.app.view.subscribed})
        owners_id = now.topic_ids.get(self.app.side.settings.topic("owners"), self._owners_id)
        if self._owners_id not in {None, owners_id}:
            log.warning("the topic `owners` was deleted and created again: the tasks are opened again, and claim their partitions")
            for task in self._by_partition.values():
                task.retake()
            await claim(self.app.side.settings)
        self._owners_id = owners_id

    @Service.task
    async def _look_after_the_log(self) -> None:
        await self._watch.follow()

    @Service.task
    async def _group(self) -> None:
        async for _ in self.itertimer(GROUP_EVERY_S, name="group offsets"):
            await self._group_offsets.tell()
