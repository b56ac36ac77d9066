"""A view task: projects one partition number of every log of record into rows, which can be rebuilt from the log.

It opens, fails and closes like a write task, but commits to its own disk alone.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from aiokafka import TopicPartition

from app.streams.errors import StateStoreError, UnreadableLog
from app.streams.kafka.reader import reading
from app.streams.kafka.shutdown import all_ended
from app.streams.kafka.topic_ids import ClusterIds, describe
from app.streams.logs.known import Known
from app.streams.parking import rows as parking
from app.streams.processing.handlers import FetchControl
from app.streams.processing.record_queue import BatchQueue
from app.streams.progress import ProgressLog
from app.streams.projections.event_guard import EventGuard
from app.streams.projections.generation_store import GenerationStore
from app.streams.projections.outbox import ViewOutbox
from app.streams.projections.projector import Projector, ViewUnitOfWork
from app.streams.rebuild.coordinator import BuildCoordinator
from app.streams.rebuild.switch import LiveView
from app.streams.state.positions import InputPosition
from app.streams.state.store import StateStore
from app.streams.tasks.task import Task
from app.streams.tasks.view_opening import OpenView, open_view
from app.streams.topology import ReadTopology

log = logging.getLogger(__name__)

LOOK_S = 0.1
"""Interval at which an opening view checks its progress (seconds)."""


class ViewTask(Task):
    """View task. It serves once it has reached the ends that its topics had when it opened: an old disk would show less than was shown before."""

    kind = "view"

    def __init__(self, view: ReadTopology, partition: int, flow: FetchControl) -> None:
        super().__init__(view.write, partition, flow)
        self._view = view
        self._folding: Projector | None = None
        self._outlet: ViewOutbox | None = None
        self._rows: GenerationStore | None = None
        self._builds: BuildCoordinator | None = None
        self._ends: dict[str, int] = {}
        self._cluster: ClusterIds | None = None
        self._caught_up = False
        self._began_s = 0.0

    @property
    def positions(self) -> Mapping[str, InputPosition]:
        """Positions from which the open view reads, by topic."""
        return self._folding.positions if self._folding else {}

    @property
    def store(self) -> StateStore:
        """Rows of the open view."""
        assert self._folding is not None, "the view is open"
        return self._folding.unit.rows.store

    @property
    def disk(self) -> Path:
        """Path of its rows on disk."""
        return self._view.store_path(self.partition)

    @property
    def busy(self) -> bool:
        """True while events wait for at least one of its agents, or the view is not open."""
        return super().busy or self._folding is None or not all(map(self._folding.level, self._view.inputs))

    @property
    def serving(self) -> bool:
        """True once the view has reached the ends that its topics had when it opened."""
        return self.ready.is_set() and self._caught_up

    @property
    def unshown(self) -> list[str]:
        """Agents whose rows were projected by other code. They are being rebuilt, and hidden until then."""
        return sorted(self._rows.unshown) if self._rows else []

    @property
    def builds(self) -> BuildCoordinator | None:
        """Coordinator of the builds of the open view."""
        return self._builds

    @property
    def known(self) -> Known | None:
        """State of its logs as the open view knows it."""
        if self._folding is None or self._cluster is None:
            return None
        return Known(self._cluster, {TopicPartition(topic, self.partition): offset for topic, offset in self._offsets().items()})

    async def disclaim(self) -> None:
        """Stop serving. There is no claim to release: a view's owner is the owner of its partition's write task."""
        self.ready.clear()

    async def _open(self) -> None:
        self._began_s = asyncio.get_running_loop().time()
        settings = self._view.write.settings
        async with reading(settings.bootstrap) as consumer:
            self._cluster = await describe(consumer._client, self._view.inputs)  # noqa: SLF001 (aiokafka has no public way to send a request)
            self._outlet = ViewOutbox(settings, self.partition, self._cluster.topic_ids)
            await self._outlet.read(consumer)
            await self._read_skips(consumer)
            opened = await open_view(self._view, self.partition, consumer, self._cluster, accept_loss=self._accept_loss)
        self._begin(opened, self._outlet)
        await self._check_parked(self._outlet)

    def _begin(self, opened: OpenView, outlet: ViewOutbox) -> None:
        write = self._view.write
        self._asked_once()
        self._caught_up, self._ends = False, opened.ends
        unit, intake = ViewUnitOfWork(opened.rows.live, outlet, write.waiters), EventGuard(write.settings, self.partition, outlet)
        intake.skips = self._skips
        self._rows, self._folding = opened.rows, Projector(unit, intake, opened.reached, opened.rows.unshown)
        renew = partial(self._renew, unit, intake, self._folding)
        self._builds = BuildCoordinator(LiveView(self.name, self._view, self.partition, self._folding, opened.rows, outlet, self._skips, self._idle, renew))
        renew()
        for agent in opened.rows.unshown:
            log.warning("%s: table %s is not shown until its rows are built: those on disk are of other code, or there are none", self.name, agent)

    def _renew(self, unit: ViewUnitOfWork, intake: EventGuard, folding: Projector) -> None:
        """Forget cached rows and start with those on disk."""
        unit.rows.forget()
        unit.enter()
        self._release_with(unit, self._view.handlers, intake, folding.commit)

    async def _check_parked(self, outlet: ViewOutbox) -> None:
        """Compare the parked rows with the topic `parked`; raise StateStoreError if it lacks one.

        A release or discard just before a kill may be recorded in Kafka alone. The rows are rebuilt then.
        """
        if not await outlet.agrees(parking.listed(self.store, "", 0)):
            raise StateStoreError("what is parked here is not what the topic `parked` says")

    async def _serve(self) -> None:
        assert self._builds is not None
        parts = [asyncio.create_task(part) for part in (super()._serve(), self._builds.run())]
        catching_up = asyncio.create_task(self._catch_up(), name=f"{self.name} catches up")
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for part in (*parts, catching_up):
                part.cancel()
            await all_ended((*parts, catching_up))
        done.pop().result()

    async def _take_in(self, queue: BatchQueue) -> None:
        assert self._folding is not None
        await self._folding.fold(queue)

    async def _pass_over(self, offsets: Mapping[str, int]) -> None:
        assert self._folding is not None
        await self._folding.pass_over(offsets)

    def _has_work(self) -> bool:
        return super()._has_work() or self._at_its_end

    async def _step(self) -> None:
        """Run a step of the base class. Raise UnreadableLog once the events before an unreadable one are projected: a view that lacks events serves nothing."""
        await super()._step()
        if self._at_its_end:
            raise UnreadableLog(self.stop_reason)

    @property
    def _at_its_end(self) -> bool:
        """True if a topic cannot be read further and every agent has projected the events before that."""
        return self.stopped and not self.busy

    def _tell_waiters(self) -> None:
        """Do nothing: no reply of a view is pending."""

    async def _catch_up(self) -> None:
        start = sum(self._offsets().values())
        progress = ProgressLog(f"{self.name}: folding events", sum(self._ends.values()) - start)
        while not all(end <= 0 for end in (await self._missing()).values()):
            progress.at(sum(self._offsets().values()) - start)
            await asyncio.sleep(LOOK_S)
        self._caught_up = True
        self._view.write.measures.view_recovery_s.add(asyncio.get_running_loop().time() - self._began_s)
        log.info("%s is open", self.name)

    async def _missing(self) -> dict[str, int]:
        """Return how far each topic is from the end that it had at the opening."""
        opening, fetched = self.opening, await self._flow.reached(self.partition)
        read = self.read_up_to(opening, fetched)
        return {topic: end - read.get(topic, 0) for topic, end in self._ends.items()}

    async def _let_go(self, *, abort: bool) -> None:
        """Close the resources. A transaction that the outbox's producer left open is found by the next incarnation."""
        del abort
        folding, self._folding, self._rows, self._builds = self._folding, None, None, None
        if folding is not None:
            folding.unit.close()
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            await outlet.close()
