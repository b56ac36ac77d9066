"""Guard of the events of a view: events of blocked keys wait, a failed event is retried, then parked (contract, section 2)."""

import asyncio
from collections.abc import Sequence

from aiokafka import ConsumerRecord

from app.settings import Settings
from app.streams.parking.guard import RecordGuard
from app.streams.parking.record import Park, from_record, outcome
from app.streams.processing.handlers import RecordHandler
from app.streams.processing.unit_of_work import UnitOfWork
from app.streams.projections.outbox import ViewOutbox

BACKOFF_S = (0.05, 0.1, 0.2)
"""Pauses before the second attempt at an event and before each later one (seconds)."""


class EventGuard(RecordGuard):
    """Guard of one incarnation of a view. It has no check of routing: an event belongs to the partition in which the log has it."""

    def __init__(self, settings: Settings, partition: int, outlet: ViewOutbox, backoff_s: Sequence[float] = BACKOFF_S) -> None:
        super().__init__(settings, partition)
        self._outlet = outlet
        self._backoff_s = backoff_s

    async def fold(self, draft: UnitOfWork, handlers: Sequence[RecordHandler], records: Sequence[ConsumerRecord]) -> None:
        """Project the events of one turn with each handler, or park them; leave out discarded events. Raise UnreadableLog if only later code can read one."""
        records = self.skips.left(records[0].topic, records)
        for handler in handlers:
            for record in records:
                draft.mark()
                park = (self.blocked and self._behind(handler, record)) or self._try(draft, handler, record)
                if park is not None:
                    await self._set_aside(draft, handler, record, park)
                elif self._outlet.any_waits:
                    self._absolve(draft, handler, record)

    async def _set_aside(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord, first: Park) -> None:
        """Park an event unless a later attempt projects it, or an operator discarded it."""
        park = await self._attempts(draft, handler, record, first)
        if park is None:
            self._absolve(draft, handler, record)
        elif not await self._outlet.discarded(record.topic, record.offset):
            self.keep(draft, from_record(record, handler.agent, park))

    def _absolve(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> None:
        """Release an event that earlier code parked, on another disk or in rows that are being rebuilt."""
        if self._outlet.waits(handler.agent, record.topic, record.offset):
            row = from_record(record, handler.agent, Park("released", ""))
            draft.outgoing.append(outcome(self._parked_topic, row, row.reason, ""))

    async def _attempts(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord, first: Park) -> Park | None:
        """Return the outcome of the last attempt. Only an event that `failed` is tried again."""
        park: Park | None = first
        for backoff_s in self._backoff_s:
            if park is None or park.reason != "failed":
                break
            await asyncio.sleep(backoff_s)
            park = self._try(draft, handler, record)
        return park

    def attempt(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        """Project one event, after `unit.mark()`. No check is needed before: every record in the log is an event."""
        return self._try(unit, handler, record)
