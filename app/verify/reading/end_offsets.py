"""End offsets up to which verify reads. They are taken once, in an order that makes a running system look like a stopped one.

Everything that a command causes is one transaction, but it becomes visible topic by topic, because the broker writes the commit markers
partition by partition. So an end is either

* *committed*: readers see everything below it. A transaction with a part below it is committed, and all of its parts are *written* everywhere;
* *settled*: everything below it was written, and verify then waited until each transaction below it had ended.

An end that is settled after a record was seen includes everything that belongs to this record. Hence this order:

1. committed: events, results, parked. Everything else that is read must reflect what lies below these ends (`Span.sure`);
   then written: commands. They include everything that was sent in the transactions of 1;
2. settled: the changelog. It includes the rows and positions of all of 1, and of some later transactions;
3. settled: events and results. They include the events behind all rows, and the results of all commands below the positions of 2.
   Those of orders and sagas come last: they include what led to each payment, refund, reservation, release and shipment that is read;
4. settled: parked. It includes the release of everything that was answered in 3;
5. committed: commands. A task that processed a command had read it as committed before.
"""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from time import monotonic
from typing import NamedTuple, Self

from aiokafka import AIOKafkaConsumer, TopicPartition

from app.domain.order import order_decider
from app.domain.order_fulfilment.operator_commands import saga_decider
from app.domain.registry import DECIDERS, EVENT_SOURCED
from app.errors import FoldstreamError
from app.settings import Settings
from app.streams.kafka.reader import RETRY_BACKOFF_MS, reading
from app.streams.kafka.shutdown import stop_reading

OPEN_S = 60.0
"""Timeout for open transactions (seconds). No running worker has one this old, because the broker ends workers' transactions after 15 s."""

_LOOK_S = 0.01


class Span(NamedTuple):
    """Offsets of a partition that verify reads: from `begin` to `end`. Everything else that is read must reflect the records below `sure`."""

    begin: int
    sure: int
    end: int


Spans = Mapping[TopicPartition, Span]


async def spans(settings: Settings) -> Spans:
    """Determine the span of each partition. Raises FoldstreamError if a transaction stays open."""
    async with _Ends(settings) as ends:
        return await _taken(ends, settings)


async def _taken(ends: "_Ends", settings: Settings) -> Spans:
    ordering = [settings.topic(f"events.{decider.topic}") for decider in (order_decider, saga_decider)]
    partners = [topic for decider in EVENT_SOURCED if (topic := settings.topic(f"events.{decider.topic}")) not in ordering]
    events = [*partners, *ordering]
    commands = [settings.topic(f"commands.{decider.topic}") for decider in DECIDERS]
    results, parked, changelog = settings.topic("results"), settings.topic("parked"), settings.changelog
    begins = await ends.begins([*events, *commands, results, parked, changelog])
    sure = await ends.committed([*events, results, parked])
    sure |= await ends.written(commands)
    end = await ends.settled([changelog])
    end |= await ends.settled(partners)
    end |= await ends.settled([*ordering, results])
    end |= await ends.settled([parked])
    end |= await ends.committed(commands)
    return {where: Span(begin, sure.get(where, end[where]), end[where]) for where, begin in begins.items()}


class _Ends:
    """Client for the begin and end offsets of all partitions of given topics."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._committed = await self._open.enter_async_context(reading(self._settings.bootstrap))
        self._written = AIOKafkaConsumer(bootstrap_servers=self._settings.bootstrap, enable_auto_commit=False, retry_backoff_ms=RETRY_BACKOFF_MS)
        self._open.push_async_callback(stop_reading, self._written)
        await self._written.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def begins(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        return dict(await self._committed.beginning_offsets(self._partitions(topics)))

    async def committed(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        return dict(await self._committed.end_offsets(self._partitions(topics)))

    async def written(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        return dict(await self._written.end_offsets(self._partitions(topics)))

    async def settled(self, topics: Iterable[str]) -> dict[TopicPartition, int]:
        topics = list(topics)
        written = await self.written(topics)
        until_s = monotonic() + OPEN_S
        while open_ := _short(await self.committed(topics), written):
            if monotonic() > until_s:
                raise FoldstreamError(f"a transaction stays open in {', '.join(open_)}: end its producer, or wait until the broker does")
            await asyncio.sleep(_LOOK_S)
        return written

    def _partitions(self, topics: Iterable[str]) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for topic in topics for partition in range(self._settings.partitions)]


def _short(committed: Mapping[TopicPartition, int], written: Mapping[TopicPartition, int]) -> list[str]:
    return [f"{where.topic} [{where.partition}]" for where, end in written.items() if committed[where] < end]
