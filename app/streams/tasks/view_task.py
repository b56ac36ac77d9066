"""A view task: one partition number of the read side, every log of record of that number. It folds events into rows that anybody can fold again.

It opens, fails and closes like a task of the write side, but commits to its own disk alone.
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
from app.streams.parking.release import ParkedReleaser
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
"""How often a view that opens looks how far it has got (seconds)."""


class ViewTask(Task):
    """Serves once it has reached the ends that its topics had when it opened: an old disk would show less than was shown before."""

    kind = "view"

    def __init__(self, view: ReadTopology, partition: int, flow: FetchControl) -> None:
        self._view = view
        self._folding: Projector | None = None
        self._outlet: ViewOutbox | None = None
        self._rows: GenerationStore | None = None
        self._builds: BuildCoordinator | None = None
        self._ends: dict[str, int] = {}
        self._cluster: ClusterIds | None = None
        self._caught_up = False
        self._began_s = 0.0
        super().__init__(view.write, partition, flow)

    @property
    def positions(self) -> Mapping[str, InputPosition]:
        """From where the open view reads, by topic."""
        return self._folding.positions if self._folding else {}

    @property
    def store(self) -> StateStore:
        """The rows of the open view."""
        assert self._folding is not None, "the view is open"
        return self._folding.unit.rows.store

    @property
    def disk(self) -> Path:
        """Where its rows are."""
        return self._view.store_path(self.partition)

    @property
    def busy(self) -> bool:
        """True while events wait, for one of its agents at least, or it is not open."""
        return super().busy or self._folding is None or not all(map(self._folding.level, self._view.inputs))

    @property
    def serving(self) -> bool:
        """True while it shows all that there was when it opened."""
        return self.ready.is_set() and self._caught_up

    @property
    def unshown(self) -> list[str]:
        """The agents whose rows other code folded: they are made anew, and seen by nobody until then."""
        return sorted(self._rows.unshown) if self._rows else []

    @property
    def builds(self) -> BuildCoordinator | None:
        """What is made anew in the open view."""
        return self._builds

    @property
    def known(self) -> Known | None:
        """What the open view knows of its logs."""
        if self._folding is None or self._cluster is None:
            return None
        return Known(self._cluster, {TopicPartition(topic, self.partition): offset for topic, offset in self._offsets().items()})

    async def disclaim(self) -> None:
        """Nobody claims a view: it is where its partition's task is."""
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
        """Begin with the rows as they are on disk."""
        unit.rows.forget()
        unit.enter()
        self._release_with(unit, self._view.handlers, intake, folding.commit)

    async def _check_parked(self, outlet: ViewOutbox) -> None:
        """What an operator released or discarded just before a kill may be settled in Kafka alone: the rows are folded anew then."""
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

    async def _step(self, releases: ParkedReleaser) -> None:
        """The same; a view without some of its events shows nothing. UnreadableLog once those before them are folded."""
        await super()._step(releases)
        if self._at_its_end:
            raise UnreadableLog(self.stop_reason)

    @property
    def _at_its_end(self) -> bool:
        """True when every agent has folded what could be read of a topic."""
        return self.stopped and not self.busy

    def _tell_waiters(self) -> None:
        """Nobody waits for a view."""

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
        """How far each topic is from the end it had."""
        opening, fetched = self.opening, await self._flow.reached(self.partition)
        read = self.read_up_to(opening, fetched)
        return {topic: end - read.get(topic, 0) for topic, end in self._ends.items()}

    async def _let_go(self, *, abort: bool) -> None:
        """What a producer of its own left open, the next opening finds out about."""
        del abort
        folding, self._folding, self._rows, self._builds = self._folding, None, None, None
        if folding is not None:
            folding.unit.close()
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            await outlet.close()
