"""Follower of the demo's sagas and of their outcomes."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec
from aiokafka import ConsumerRecord

from app.client.results import Json
from app.client.topic_follower import TopicFollower
from app.errors import FoldstreamError
from app.replay.commands import ENDS
from app.settings import Settings
from app.topics.contract import event_topic

PATIENCE_S = 120.0
"""Time after which a saga that has not ended counts as stuck (seconds)."""


class Sagas(TopicFollower):
    """Follower of saga events from the log's end on entry: `async with Sagas(settings) as sagas`."""

    def __init__(self, chosen: Settings) -> None:
        super().__init__(chosen, event_topic(chosen, "Saga"))
        self._told: Callable[[Json], None] = lambda _: None
        self._ends: defaultdict[tuple[str, str], asyncio.Future[None]] = defaultdict(lambda: asyncio.get_running_loop().create_future())

    def tell(self, told: Callable[[Json], None]) -> None:
        """Call `told` with every event from now on."""
        self._told = told

    async def end(self, order_id: str, events: Iterable[str]) -> None:
        """Return once the saga of an order has ended with one of these events. Raise FoldstreamError if that takes too long."""
        ends = [self._ends[order_id, event] for event in events]
        await asyncio.wait([*ends, self._following], timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if not any(end.done() for end in ends):
            raise FoldstreamError(f"the saga of {order_id} has not ended after {PATIENCE_S:g} s")

    def _take(self, record: ConsumerRecord) -> None:
        event = msgspec.json.decode(record.value)
        self._told(event)
        if event["eventType"] in ENDS and not (end := self._ends[event["aggregateId"], event["eventType"]]).done():
            end.set_result(None)
