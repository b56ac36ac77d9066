"""Pages of events of one type, straight from the log. The events of a type are in one topic, and every worker can read all its partitions."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, cast

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from msgspec import Struct

from app.eventsourcing.recorded_event import today
from app.settings import Settings
from app.streams.errors import UnreadableBatch
from app.streams.kafka.reader import reader, step_over
from app.streams.kafka.shutdown import stop_reading
from app.streams.parking.skip_log import skips_of
from app.web.http.problems import Problem, later
from app.web.queries.log_position import LogPosition, malformed
from schemas.upcasters import NewerSchema

READERS = 4
"""Pages that are read at the same time, at most; further ones wait."""

ANSWER_S = 10.0
"""Timeout for a page, including its wait for a reader (seconds)."""

SCAN_S = 1.0
"""Time to look for more events for a page (seconds); then it is sent as it is, even if empty."""
PAGE_BYTES = 4 << 20
FETCH_MS = 200
FETCH_BYTES = 256 << 10
"""Size of one fetch from a partition (bytes); a page is seldom larger."""


class Typed(Struct, rename="camel"):
    """Part of an event that says whether a page takes it."""

    event_type: str = ""


_typed = msgspec.json.Decoder(Typed)


class Page(NamedTuple):
    """Events in the current schema, and the position of the next page."""

    events: list[bytes]
    next: LogPosition


@dataclass
class PageBuilder:
    """Page that is being filled."""

    event_type: str
    limit: int
    events: list[bytes] = field(default_factory=list)
    bytes: int = 0
    until_s: float = field(default_factory=lambda: monotonic() + SCAN_S)
    newer: NewerSchema | UnreadableBatch | None = None
    """Error at which a partition stopped: an event that this code cannot read."""

    @property
    def full(self) -> bool:
        """True if the page takes no more events, or its time is over."""
        return len(self.events) >= self.limit or self.bytes >= PAGE_BYTES or monotonic() > self.until_s

    def take(self, record: ConsumerRecord) -> None:
        """Add an event if it is of the type. Raise NewerSchema if only newer code can read it."""
        if _type_of(record) == self.event_type:
            self.events.append(today(record.value))
            self.bytes += len(record.value)


class EventPages:
    """Reader of pages, with at most READERS at a time."""

    def __init__(self, settings: Settings, topics: Mapping[str, str]) -> None:
        """`topics` holds the broker's names of the logs, by event type."""
        self.topics = topics
        self._settings = settings
        self._idle: list[AIOKafkaConsumer] = []
        self._turns = asyncio.Semaphore(READERS)

    async def close(self) -> None:
        """Stop the idle consumers."""
        await asyncio.gather(*(stop_reading(consumer) for consumer in self._idle))
        self._idle.clear()

    async def begin(self, event_type: str) -> LogPosition:
        """Return the position of the first event."""
        partitions = self._partitions(event_type)
        async with self._lent() as consumer:
            begins = await consumer.beginning_offsets(partitions)
        return LogPosition(event_type, 0, tuple(begins[where] for where in partitions))

    async def since(self, event_type: str, timestamp_ms: int) -> LogPosition:
        """Return the position of the first event in each partition that was written at this time or later."""
        partitions = self._partitions(event_type)
        async with self._lent() as consumer:
            found = await consumer.offsets_for_times(dict.fromkeys(partitions, timestamp_ms))
            ends = await consumer.end_offsets(partitions)
        return LogPosition(event_type, 0, tuple(min(found[where].offset, ends[where]) if found[where] else ends[where] for where in partitions))

    async def page(self, position: LogPosition, limit: int) -> Page:
        """Read the events from a position on. Raise a Problem if the position is not in the log, or if only unreadable events are left."""
        async with self._lent() as consumer:
            ends = await self._ends(consumer, position)
            page, turn, reached = PageBuilder(position.event_type, limit), position.turn, list(position.offsets)
            for number in _from(turn, len(reached)):
                where = TopicPartition(self.topics[position.event_type], number)
                reached[number] = await _scan(consumer, where, reached[number], ends[where], page, self._settings)
                if page.full:
                    turn = (number + 1) % len(reached)
                    break
        following = LogPosition(position.event_type, turn, tuple(reached))
        if page.newer is not None and following.offsets == position.offsets:
            code = "newer-schema" if isinstance(page.newer, NewerSchema) else "unreadable"
            raise later(code, str(page.newer)) from page.newer
        return Page(page.events, following)

    async def _ends(self, consumer: AIOKafkaConsumer, position: LogPosition) -> dict[TopicPartition, int]:
        partitions = self._partitions(position.event_type)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        if not all(begins[where] <= offset <= ends[where] for where, offset in zip(partitions, position.offsets, strict=True)):
            raise malformed()
        found: dict[TopicPartition, int] = ends
        return found

    def _partitions(self, event_type: str) -> list[TopicPartition]:
        return [TopicPartition(self.topics[event_type], number) for number in range(self._settings.partitions)]

    @asynccontextmanager
    async def _lent(self) -> AsyncIterator[AIOKafkaConsumer]:
        """Lend a consumer for exclusive use, and discard it if it was interrupted. Raise TimeoutError after ANSWER_S."""
        async with asyncio.timeout(ANSWER_S), self._turns:
            consumer = self._idle.pop() if self._idle else await self._started()
            try:
                yield consumer
            except Problem:
                self._idle.append(consumer)
                raise
            except BaseException:
                await stop_reading(consumer)
                raise
            self._idle.append(consumer)

    async def _started(self) -> AIOKafkaConsumer:
        """Start a consumer with all partitions assigned, and paused until they are read. After a second assignment, aiokafka 0.14 can hang in `stop`."""
        consumer = reader(self._settings.bootstrap, FETCH_BYTES)
        try:
            await consumer.start()
        except BaseException:
            await stop_reading(consumer)
            raise
        partitions = [TopicPartition(topic, number) for topic in sorted(set(self.topics.values())) for number in range(self._settings.partitions)]
        consumer.assign(partitions)
        consumer.pause(*partitions)
        return consumer


async def _scan(consumer: AIOKafkaConsumer, where: TopicPartition, offset: int, end: int, page: PageBuilder, settings: Settings) -> int:  # noqa: PLR0913, PLR0917 (what to read, and where to)
    """Read one partition into the page, from an offset up to its end. Return the offset from which to continue."""
    if offset >= end:
        return offset
    consumer.seek(where, offset)
    consumer.resume(where)
    try:
        while offset < end and not page.full:
            records = await _next(consumer, where, settings)
            for record in records:
                page.take(record)
                offset = record.offset + 1
                if page.full:
                    return offset
            offset = await consumer.position(where)
    except (NewerSchema, UnreadableBatch) as newer:
        page.newer = newer
    finally:
        consumer.pause(where)
    return offset


async def _next(consumer: AIOKafkaConsumer, where: TopicPartition, settings: Settings) -> Sequence[ConsumerRecord]:
    """Fetch the next records. Raise UnreadableBatch if they cannot be read and no operator has skipped them."""
    try:
        return cast("Sequence[ConsumerRecord]", (await consumer.getmany(where, timeout_ms=FETCH_MS)).get(where, []))
    except UnreadableBatch as error:
        step_over(consumer, error, await skips_of(settings, where.partition))
        return []


def _from(turn: int, partitions: int) -> list[int]:
    """Return all partitions, beginning with `turn`. The turn changes, so that a busy partition does not keep the others out of every page."""
    return [*range(turn, partitions), *range(turn)]


def _type_of(record: ConsumerRecord) -> str | None:
    try:
        return _typed.decode(record.value or b"").event_type
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
