"""The saga's tables: its row, and the operators' commands that it has answered."""

from collections.abc import Iterator
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from app.domain.fulfilment.operate import saga_decider
from app.domain.fulfilment.state import Saga
from app.kernel.app import app
from app.kernel.store import Store
from tables.aggregate import Aggregate, Answers, Snapshot
from tables.order import order_aggregate


class Sagas(Aggregate):
    """Beside a saga stands its order, of the same key and task."""

    def detail(self, aggregate_id: str, order_id: str | None) -> Any:  # noqa: ANN401 (the order's own state)
        """The saga's order."""
        del order_id
        return order_aggregate.snapshot(aggregate_id).state

    def accepted(self, event: ConsumerRecord) -> None:
        """Only what an operator caused was a command to the saga: such events say who it was."""
        if "userId" in msgspec.json.decode(event.value)["metadata"]:
            super().accepted(event)

    def committed(self, store: Store) -> Iterator[tuple[str, Snapshot[Saga]]]:
        """Every saga, by the id of its order, as the last committed transaction left it."""
        return self._snapshots.rows(store)


sagas = app.Table("saga", value_type=Snapshot[Saga])
saga_answers = app.Table("saga-answer", value_type=Answers)

saga_aggregate = Sagas(app, saga_decider, sagas, saga_answers)
