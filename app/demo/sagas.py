"""What the sagas of the demo's orders come to, as they come to it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec
from aiokafka import TopicPartition

from app.errors import FoldstreamError
from app.kernel.reader import reader
from app.results import Json
from app.settings import Settings
from app.topics import event_topic

ENDS = frozenset({"SagaCompleted", "SagaFailed", "SagaNeedsIntervention"})
PATIENCE_S = 120.0
"""A saga that has not ended after this long is not at work (seconds)."""


class Sagas:
    """Follows their events from the end that the log has on entry: `async with Sagas(settings) as sagas`."""

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self._told: Callable[[Json], None] = lambda _: None
        self._ends: defaultdict[str, asyncio.Future[None]] = defaultdict(lambda: asyncio.get_running_loop().create_future())

    async def __aenter__(self) -> Self:
        self._consumer = reader(self._chosen.bootstrap)
        await self._consumer.start()
        partitions = [TopicPartition(event_topic(self._chosen, "Saga"), partition) for partition in range(self._chosen.partitions)]
        self._consumer.assign(partitions)
        for where, end in (await self._consumer.end_offsets(partitions)).items():
            self._consumer.seek(where, end)
        self._following = asyncio.create_task(self._follow())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._following.cancel()
        with suppress(asyncio.CancelledError):
            await self._following
        await self._consumer.stop()

    def tell(self, told: Callable[[Json], None]) -> None:
        """From here on `told` is told every event."""
        self._told = told

    async def end(self, order_id: str) -> None:
        """Return once the saga of an order has ended; FoldstreamError when it does not in time."""
        await asyncio.wait([self._ends[order_id], self._following], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if not self._ends[order_id].done():
            raise FoldstreamError(f"the saga of {order_id} has not ended after {PATIENCE_S:g} s")

    async def _follow(self) -> None:
        while True:
            for records in (await self._consumer.getmany(timeout_ms=1_000)).values():
                for record in records:
                    self._heard(msgspec.json.decode(record.value))

    def _heard(self, event: Json) -> None:
        self._told(event)
        if event["eventType"] in ENDS and not (end := self._ends[event["aggregateId"]]).done():
            end.set_result(None)
