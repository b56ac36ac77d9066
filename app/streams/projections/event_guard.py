"""What happens to one event on its way into a view: keys that wait, another attempt when it fails, then parking (contract, section 2)."""

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
"""Before the second attempt at an event, and so on (seconds)."""


class EventGuard(RecordGuard):
    """One opening's; an event is where the log has it, so there is no guard on routing."""

    def __init__(self, settings: Settings, partition: int, outlet: ViewOutbox, backoff_s: Sequence[float] = BACKOFF_S) -> None:
        super().__init__(settings, partition)
        self._outlet = outlet
        self._backoff_s = backoff_s

    async def fold(self, draft: UnitOfWork, handlers: Sequence[RecordHandler], records: Sequence[ConsumerRecord]) -> None:
        """Fold the events of one turn by each handler, or park them; one that was discarded is left out. UnreadableLog when only later code can read it."""
        records = self.skips.left(records[0].topic, records)
        for handler in handlers:
            for record in records:
                draft.mark()
                park = self._behind(handler, record) or self._try(draft, handler, record)
                if park is not None:
                    await self._set_aside(draft, handler, record, park)
                elif self._outlet.any_waits:
                    self._absolve(draft, handler, record)

    async def _set_aside(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord, first: Park) -> None:
        """Park an event unless it can be folded at a later attempt, or was discarded."""
        park = await self._attempts(draft, handler, record, first)
        if park is None:
            self._absolve(draft, handler, record)
        elif not await self._outlet.discarded(record.topic, record.offset):
            self.keep(draft, from_record(record, handler.agent, park))

    def _absolve(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> None:
        """Earlier code parked it, on another disk or with rows that are folded anew now: say that it goes on."""
        if self._outlet.waits(handler.agent, record.topic, record.offset):
            row = from_record(record, handler.agent, Park("released", ""))
            draft.outgoing.append(outcome(self._parked_topic, row, row.reason, ""))

    async def _attempts(self, draft: UnitOfWork, handler: RecordHandler, record: ConsumerRecord, first: Park) -> Park | None:
        """The outcome of the last attempt; there are others only after one that `failed`."""
        park: Park | None = first
        for backoff_s in self._backoff_s:
            if park is None or park.reason != "failed":
                break
            await asyncio.sleep(backoff_s)
            park = self._try(draft, handler, record)
        return park

    def attempt(self, unit: UnitOfWork, handler: RecordHandler, record: ConsumerRecord) -> Park | None:
        """Fold one event, after `unit.mark()`; whatever is in the log is an event, so nothing guards it."""
        return self._try(unit, handler, record)
