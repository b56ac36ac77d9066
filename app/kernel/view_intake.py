"""What happens to one event on its way into a view: keys that wait, another attempt when it fails, then parking (contract, section 2)."""

import asyncio
import logging

from aiokafka import ConsumerRecord
from msgspec import Struct

from app.kernel.draft import Draft
from app.kernel.outcome import StoreFailed, UnreadableLog
from app.kernel.parked import BEHIND, Park, from_record, outgoing
from app.kernel.ports import Handler
from app.kernel.store import Store
from app.kernel.table import Table
from app.settings import Settings

log = logging.getLogger(__name__)

BACKOFF_S = (0.05, 0.1, 0.2)
"""Before the second attempt at an event, and so on (seconds)."""


class Blocked(Struct, frozen=True):
    """A key of one topic that waits in the view of one agent: where its first parked event is, and why."""

    offset: int
    reason: str


blocked = Table[Blocked](None, name="blocked", value_type=Blocked)


class ViewIntake:
    """One opening's; knows which keys wait."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._parked_topic = settings.topic("parked")
        self._blocked = {key for key, _ in blocked.rows(store)}

    async def handle(self, draft: Draft, handler: Handler, record: ConsumerRecord) -> None:
        """Fold or park one event. UnreadableLog when it must be neither: only later code can read it."""
        draft.mark()
        park = self._behind(handler, record) or await self._attempts(draft, handler, record)
        if park is not None:
            self._park(draft, handler, record, park)

    def _behind(self, handler: Handler, record: ConsumerRecord) -> Park | None:
        if self._blocked and record.key is not None and _row(handler, record) in self._blocked:
            return Park(BEHIND, "an earlier event of this key is parked")
        return None

    async def _attempts(self, draft: Draft, handler: Handler, record: ConsumerRecord) -> Park | None:
        for backoff_s in BACKOFF_S:
            park = self._attempt(draft, handler, record)
            if park is None or park.reason != "failed":
                return park
            await asyncio.sleep(backoff_s)
        return self._attempt(draft, handler, record)

    def _attempt(self, draft: Draft, handler: Handler, record: ConsumerRecord) -> Park | None:
        try:
            handler(record)
        except (StoreFailed, UnreadableLog):
            raise
        except Park as park:
            draft.rollback()
            return park
        except Exception as error:
            draft.rollback()
            log.exception("%s [%d] %d: %s raised", record.topic, record.partition, record.offset, handler.agent)
            return Park("failed", repr(error))
        return None

    def _park(self, draft: Draft, handler: Handler, record: ConsumerRecord, park: Park) -> None:
        draft.outgoing.append(outgoing(self._parked_topic, from_record(record, handler.agent, park)))
        if record.key is not None and (row := _row(handler, record)) not in self._blocked:
            blocked[row] = Blocked(record.offset, park.reason)
            self._blocked.add(row)
        level = logging.DEBUG if park.reason == BEHIND else logging.WARNING
        log.log(level, "%s parked %s [%d] %d: %s: %s", handler.agent, record.topic, record.partition, record.offset, park.reason, park)


def _row(handler: Handler, record: ConsumerRecord) -> str:
    return f"{handler.agent}/{record.topic}/{record.key.hex()}"
