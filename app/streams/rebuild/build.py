"""A build: the next generation of one read model, projected beside the live one in turns between the view's own, then switched to.

A build is never ahead of the live rows. The switch happens in one write, where both are at the same position: a reader sees no difference but that of the
projection.
"""

import asyncio
import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import bounds, reading, step_over
from app.streams.kafka.skips import NONE, Skips
from app.streams.parking import rows as parking
from app.streams.processing.record_queue import QueuedBatch, RecordBatch
from app.streams.progress import ProgressLog
from app.streams.projections.event_guard import EventGuard
from app.streams.projections.generation_store import GenerationView
from app.streams.projections.generations import Digests
from app.streams.projections.projector import Projector, ViewUnitOfWork
from app.streams.rebuild.switch import LiveView, switch
from app.streams.state.positions import InputPosition, check, positions
from app.streams.topology import Subscription

log = logging.getLogger(__name__)

TURN_ROWS = 200


async def digest(tables: Iterable[tuple[str, Iterable[tuple[bytes, bytes]]]]) -> str:
    """Return a hash of rows by table, in the order of keys. Other asyncio tasks run now and then meanwhile."""
    found = hashlib.sha256()
    for name, rows in tables:
        found.update(b"%d\0%b" % (len(name), name.encode()))
        for number, (key, value) in enumerate(rows):
            found.update(b"%d %d\0%b%b" % (len(key), len(value), key, value))
            if number % TURN_ROWS == 0:
                await asyncio.sleep(0)
    return found.hexdigest()


LOOK_MS = 50
"""Longest wait for events (milliseconds)."""


class BuildSource:
    """Events for a build, from one partition of some topics. Events fetched too early wait."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: int, starts: Mapping[str, int], skips: Skips = NONE) -> None:
        """`consumer` has no assignment yet, `starts` are the offsets to read from, and `skips` the offsets to pass over."""
        self._consumer = consumer
        self._skips = skips
        self._where = {topic: TopicPartition(topic, partition) for topic in starts}
        self._waiting: dict[str, deque[ConsumerRecord]] = {topic: deque() for topic in starts}
        self._read_to = dict(starts)
        consumer.assign(list(self._where.values()))
        for topic, offset in starts.items():
            consumer.seek(self._where[topic], offset)

    async def fill(self) -> None:
        """Fetch from the topics of which no event waits. Raise UnreadableBatch if one cannot be read further."""
        empty = [topic for topic, waiting in self._waiting.items() if not waiting]
        if not empty:
            return
        try:
            fetched = await self._consumer.getmany(*(self._where[topic] for topic in empty), timeout_ms=LOOK_MS)
        except UnreadableBatch as error:
            step_over(self._consumer, error, self._skips)
            return
        for topic in empty:
            self._waiting[topic].extend(fetched.get(self._where[topic], ()))
            self._read_to[topic] = await self._consumer.position(self._where[topic])

    def take(self, topic: str, limit: int, room: int) -> list[ConsumerRecord]:
        """Take the next events below the offset `limit`, at most `room` of them."""
        waiting, taken = self._waiting[topic], list[ConsumerRecord]()
        while waiting and waiting[0].offset < limit and len(taken) < room:
            taken.append(waiting.popleft())
        return taken

    def missing(self, topic: str, limit: int) -> int:
        """Return the distance from the next event that `take` would return to the offset `limit`."""
        waiting = self._waiting[topic]
        return max(0, limit - (waiting[0].offset if waiting else self._read_to[topic]))


TURN_RECORDS = 200
"""Events of each topic in one turn. The live view waits for no more than these."""

NEAR_RECORDS = 500
"""Lag of a build, in records, at which the view may wait for it."""

HOLD_S = 2.0
"""Longest wait of the view for a build (seconds)."""

NO_BACKOFF = ()
"""Pauses before other attempts at an event: none, because the view would wait, too. A build that failed for a moment starts again."""

OPENING = 0
"""Incarnation number of a build's batches. They are projected at once, so none is from an earlier incarnation."""


class BuildStopped(Exception):  # noqa: N818 (what it is)
    """The build was paused, or no longer exists."""


class BuildUnit(ViewUnitOfWork):
    """Unit of work of a build. Suppresses records for the topic `parked`, because operators cannot release records of a generation that is not live."""

    def __init__(self, live: LiveView, store: GenerationView) -> None:
        super().__init__(store, live.outlet, live.view.write.waiters)
        self._parked_topic = live.parked_topic

    async def commit(self) -> None:
        """Commit rows and positions, after the records for other views."""
        self.outgoing[:] = [record for record in self.outgoing if record.topic != self._parked_topic]
        await super().commit()


class ReadModelBuild:
    """One run of a build: from its rows on disk to the switch, or to a failure."""

    def __init__(self, live: LiveView, agent: str) -> None:
        state = live.rows.of(agent)
        assert state.build is not None, "there is something to build"
        self._live = live
        self._agent = agent
        self._build = state.build
        self._store = live.rows.built(agent, state.build.generation.number)
        self._handler = next(handler for handler in live.view.handlers if handler.agent == agent)
        self._topics = next(model.events for model in live.view.models if model.agent == agent)

    async def run(self) -> None:
        """Build the rows and return once they are live.

        Raise BuildStopped if the build was paused; BuildRejected, DataLossDetected or UnreadableLog if it cannot continue.
        After errors of Kafka a new run continues from the rows on disk.
        """
        log.info("%s: rows of table %s are built, generation %d", self._live.name, self._agent, self._build.generation.number)
        async with reading(self._live.view.write.settings.bootstrap) as consumer:
            self._folding = self._fold_into(await self._reached(consumer))
            self._source = BuildSource(consumer, self._live.partition, {topic: self._at(topic) for topic in self._topics}, self._live.skips)
            await self._approach()
            digests = await self._digests()
            await self._approach()
            async with self._live.turn:
                await self._arrive()
                await switch(self._live, self._agent, digests)

    async def _reached(self, consumer: AIOKafkaConsumer) -> dict[Subscription, InputPosition]:
        found = {}
        for topic in self._topics:
            follower, limits = Subscription(self._agent, topic), await bounds(consumer, TopicPartition(topic, self._live.partition))
            before = positions.committed(self._store, follower.row)
            offset_next = check(topic, before.offset_next if before else 0, *limits, accept_loss=self._live.view.write.accept_loss)
            found[follower] = InputPosition(self._live.folding.at(follower).topic_id, offset_next)
        return found

    def _fold_into(self, reached: dict[Subscription, InputPosition]) -> Projector:
        unit = BuildUnit(self._live, self._store)
        intake = EventGuard(self._live.view.write.settings, self._live.partition, self._live.outlet, NO_BACKOFF)
        intake.skips = self._live.skips
        unit.enter()
        intake.open_anew(parking.heads(), parking.counts())
        return Projector(unit, intake, reached)

    def _at(self, topic: str) -> int:
        return self._folding.at(Subscription(self._agent, topic)).offset_next

    def _limit(self, topic: str) -> int:
        """Return the live view's position. A view that hides the rows of this model has passed over the events below."""
        return self._live.folding.at(Subscription(self._agent, topic)).offset_next

    def _missing(self) -> int:
        return sum(self._source.missing(topic, self._limit(topic)) for topic in self._topics)

    async def _approach(self) -> None:
        """Get near to the live view, in turns between its own."""
        total = self._missing()
        progress = ProgressLog(f"{self._live.name}: building rows of table {self._agent}", total)
        while self._missing() > NEAR_RECORDS:
            await self._source.fill()
            async with self._live.turn:
                self._check()
                await self._fold()
            progress.at(total - self._missing())

    async def _arrive(self) -> None:
        """Reach the position of the live view, which waits meanwhile."""
        self._check()
        async with asyncio.timeout(HOLD_S):
            while self._missing():
                await self._source.fill()
                await self._fold()

    def _check(self) -> None:
        if self._live.rows.of(self._agent).build != self._build:
            raise BuildStopped

    async def _fold(self) -> None:
        taken = {topic: self._source.take(topic, self._limit(topic), TURN_RECORDS) for topic in self._topics}
        await self._folding.fold(
            [
                QueuedBatch(RecordBatch(topic, self._live.partition, OPENING, records), self._handler, asyncio.get_running_loop().create_future())
                for topic, records in taken.items()
                if records
            ]
        )

    async def _digests(self) -> Digests | None:
        """Return the digests of the live rows and of the build's rows at the same position; None if they need not be equal."""
        state = self._live.rows.of(self._agent)
        if state.live is None or state.live.fingerprint != self._build.generation.fingerprint:
            return None
        async with self._live.turn:
            await self._arrive()
            before, after = (self._live.rows.frozen(self._agent, number) for number in (state.live.number, self._build.generation.number))
        try:
            return await digest(before), await digest(after)
        finally:  # the store cannot be opened again while one of them is open
            for _, rows in (*before, *after):
                rows.close()
