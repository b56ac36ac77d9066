"""The saga's tables: its row, and the operators' commands that it has answered."""

from collections.abc import Iterator

import msgspec
from aiokafka import ConsumerRecord

from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.order_fulfilment.state import Saga
from app.handlers.aggregate_repository import Answers, Paired, Snapshot
from app.streams.app import app
from app.streams.state.store import Store
from tables.fulfilment import orders, sagas


class Sagas(Paired):
    """Sagas, each decided with its order beside it; their events follow from more than commands."""

    beside = orders

    def accepted(self, event: ConsumerRecord) -> None:
        """Only what an operator caused was a command to the saga: such events say who it was."""
        if "userId" in msgspec.json.decode(event.value)["metadata"]:
            super().accepted(event)

    def committed(self, store: Store) -> Iterator[tuple[str, Snapshot[Saga]]]:
        """Every saga, by the id of its order, as the last committed transaction left it."""
        return self._snapshots.rows(store)


saga_answers = app.Table("saga-answer", value_type=Answers)

saga_aggregate = Sagas(app, saga_decider, sagas, saga_answers)
