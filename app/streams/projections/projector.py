"""Runs events through the agents of a view, many at a time, and moves the agents' positions with their rows."""

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence

from aiokafka import ConsumerRecord

from app.streams.processing.handlers import RecordHandler
from app.streams.processing.limits import TRANSACTION_BYTES, TURN_RECORDS
from app.streams.processing.record_queue import QueuedBatch, portions
from app.streams.processing.replies import PendingReplies
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.projections.event_guard import EventGuard
from app.streams.projections.outbox import ViewOutbox
from app.streams.state.positions import InputPosition, positions
from app.streams.state.store import StateStore
from app.streams.topology import Subscription


class ViewUnitOfWork(UnitOfWork):
    """Unit of work of a view. `commit` writes rows and positions together, or neither."""

    def __init__(self, store: StateStore, outlet: ViewOutbox, waiters: PendingReplies) -> None:
        super().__init__(store, waiters, outlet.topic_ids)
        self._outlet = outlet

    async def commit(self) -> None:
        """Commit the outbox to Kafka first, then rows and positions to disk. After a crash a record may be written twice, but never be missing."""
        changes = self.rows.changes()
        await self._outlet.write(self.outgoing)
        self.rows.commit(changes)
        self.drop()


COMMIT_RECORDS = 1_000
"""Most events of one topic in a commit. Each changes rows of several read models, which all stay in memory until then."""


class Projector:
    """Projector of one incarnation of a view: its rows, and the position of each of its agents."""

    def __init__(self, unit: ViewUnitOfWork, intake: EventGuard, reached: dict[Subscription, InputPosition], unshown: Container[str] = ()) -> None:
        """`reached` are the positions of the agents in their topics. The agents that are `unshown` pass over their events and write no rows."""
        self.unit = unit
        self._intake = intake
        self._reached = reached
        self._unshown = unshown
        self._ahead: dict[Subscription, InputPosition] = {}

    @property
    def positions(self) -> dict[str, InputPosition]:
        """Lowest position of the agents of each topic, from which the topic is read."""
        return {topic: min(found, key=lambda position: position.offset_next) for topic, found in self._by_topic().items()}

    def at(self, follower: Subscription) -> InputPosition:
        """Return the position of an agent in one of its topics."""
        return self._reached[follower]

    def level(self, topic: str) -> bool:
        """Return True if all agents that follow the topic are at the same position."""
        return len({position.offset_next for position in self._by_topic()[topic]}) == 1

    async def fold(self, works: Iterable[QueuedBatch]) -> None:
        """Project as many events as one commit may have. Agents at the same position in a batch receive each of its events in turn."""
        self._ahead.clear()
        equal = self._equal(works)
        for first, records in portions((works[0] for works in equal), COMMIT_RECORDS, TRANSACTION_BYTES, self._offset_next):
            together = next(works for works in equal if works[0] is first)
            await self._each([work.handler for work in together if work.handler.agent not in self._unshown], records)
            for work in together:
                work.at = first.at
                self._reach(_follower(work), records[-1])
        if self._ahead:
            await self.unit.commit()
            self._reached.update(self._ahead)

    async def commit(self, taken: Sequence[ConsumerRecord], began_s: float) -> None:
        """Commit the changes by parked events that were released. They are not counted."""
        del taken, began_s
        await self.unit.commit()

    async def pass_over(self, offsets: Mapping[str, int]) -> None:
        """Move the positions of all agents up to these offsets, by topic. No event lies between (commit markers, gaps)."""
        self._ahead.clear()
        for follower, before in list(self._reached.items()):
            if offsets.get(follower.topic, 0) > before.offset_next:
                self._move(follower, offsets[follower.topic])
        if self._ahead:
            await self.unit.commit()
            self._reached.update(self._ahead)

    def _equal(self, works: Iterable[QueuedBatch]) -> list[list[QueuedBatch]]:
        """Group the agents' copies of a batch by their next events."""
        found: dict[tuple[int, int, int], list[QueuedBatch]] = {}
        for work in works:
            found.setdefault((id(work.batch), work.at, self._offset_next(work)), []).append(work)
        return list(found.values())

    async def _each(self, handlers: Sequence[RecordHandler], records: Sequence[ConsumerRecord]) -> None:
        for at in range(0, len(records), TURN_RECORDS):
            await self._intake.fold(self.unit, handlers, records[at : at + TURN_RECORDS])
            self.unit.rows.pack()
            await asyncio.sleep(0)

    def _reach(self, follower: Subscription, last: ConsumerRecord) -> None:
        """Put the position after the last event beside the rows."""
        self._move(follower, last.offset + 1)

    def _move(self, follower: Subscription, offset_next: int) -> None:
        """Put a position beside the rows, unless the agent's rows are hidden."""
        position = InputPosition(self._at(follower).topic_id, offset_next)
        if follower.agent in self._unshown:
            self._reached[follower] = position
        else:
            self._ahead[follower] = position
            self.unit.rows.put(positions, follower.row, position)

    def _offset_next(self, work: QueuedBatch) -> int:
        return self._at(_follower(work)).offset_next

    def _at(self, follower: Subscription) -> InputPosition:
        return self._ahead.get(follower) or self._reached[follower]

    def _by_topic(self) -> Mapping[str, list[InputPosition]]:
        found: dict[str, list[InputPosition]] = {}
        for follower, position in self._reached.items():
            found.setdefault(follower.topic, []).append(position)
        return found


def _follower(work: QueuedBatch) -> Subscription:
    return Subscription(work.handler.agent, work.batch.topic)
