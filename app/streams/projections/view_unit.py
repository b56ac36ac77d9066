"""How a view commits: what others are told first, then rows and positions in one write. It needs no Kafka transaction.

The log is never deleted, so what was not written is read again. Without a write-ahead log a kill takes the last writes, rows and positions alike.
"""

from app.streams.processing.replies import Waiters
from app.streams.processing.unit_of_work import Draft
from app.streams.projections.outbox import Outlet
from app.streams.state.store import Store


class ViewUnit(Draft):
    """One opening's; `commit` moves rows and positions together, or neither."""

    def __init__(self, store: Store, outlet: Outlet, waiters: Waiters) -> None:
        super().__init__(store, waiters, outlet.topic_ids)
        self._outlet = outlet

    async def commit(self) -> None:
        """What goes to Kafka is acknowledged before a position moves over its cause: it may be written for nothing, never be missing."""
        changes = self.rows.changes()
        await self._outlet.write(self.outgoing)
        self.rows.commit(changes)
        self.drop()
