"""Tables of one kind of saga: its rows, and the operators' commands that it has answered."""

from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from app.handlers.aggregate_repository import Paired, Snapshot
from app.streams.state.store import StateStore


class SagaRepository(Paired):
    """Repository of sagas, each decided together with the row of another aggregate. Not only commands cause their events."""

    def accepted(self, event: ConsumerRecord) -> None:
        """Remember an operator's command: only events of such a command name their user."""
        if "userId" in msgspec.json.decode(event.value)["metadata"]:
            super().accepted(event)

    def committed(self, store: StateStore) -> Iterator[tuple[str, Snapshot[Any]]]:
        """Return every saga by its id, as the last committed transaction left it."""
        return self._snapshots.rows(store)
