"""The batches that agents handed over to a task, and how far each is."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, count

from aiokafka import ConsumerRecord

from app.streams.processing.handlers import RecordHandler

BOUND = 2_000
"""Records in a batch that waits; one that is full is not extended, and its partition is not fetched from."""

BOUND_BYTES = 8 << 20
"""The same, in bytes."""


def size_of(records: Iterable[ConsumerRecord]) -> int:
    """How many bytes keys and values have."""
    return sum(len(record.key or b"") + len(record.value or b"") for record in records)


@dataclass
class FetchMark:
    """What is known of a batch when it is gone: the opening under which it was fetched, and whether its task took it."""

    opening: int
    taken: bool = False


class RecordBatch:
    """Records of one partition in order, fetched under one opening of its task; extended until the task takes it."""

    def __init__(self, topic: str, partition: int, opening: int, records: list[ConsumerRecord]) -> None:
        self.topic = topic
        self.partition = partition
        self.opening = opening
        self.records = records
        self.size = size_of(records)
        self.fetched = FetchMark(opening)

    def take(self) -> None:
        """The task takes it: it is not extended any more."""
        self.fetched.taken = True

    def extend(self, records: list[ConsumerRecord], opening: int) -> bool:
        """Add records fetched later, if this batch still waits: small fetches must not become small transactions."""
        if self.fetched.taken or self.opening != opening or self.full:
            return False
        self.records.extend(records)
        self.size += size_of(records)
        return True

    @property
    def full(self) -> bool:
        """True while it waits and takes no more."""
        return not self.fetched.taken and (len(self.records) >= BOUND or self.size >= BOUND_BYTES)


_openings = count(1)
"""No two openings in a process have one number: a partition that goes to another worker and comes back gets another task."""


@dataclass
class QueuedBatch:
    """A batch that an agent handed over; `done` lets the agent go on."""

    batch: RecordBatch
    handler: RecordHandler
    done: "asyncio.Future[None]"
    at: int = 0

    def take(self, room: int, room_bytes: int) -> list[ConsumerRecord]:
        """The next records, at most `room` and `room_bytes` of them, but one at least; the batch is not extended any more."""
        self.batch.take()
        records = self.batch.records[self.at : self.at + room]
        if self.batch.size > room_bytes:
            records = _within(records, room_bytes)
        self.at += len(records)
        return records

    @property
    def left(self) -> int:
        """Records not yet taken."""
        return len(self.batch.records) - self.at

    def finish(self) -> None:
        """Let the agent go on."""
        if not self.done.done():
            self.done.set_result(None)


def _within(records: list[ConsumerRecord], room_bytes: int) -> list[ConsumerRecord]:
    sizes = accumulate(size_of([record]) for record in records)
    return records[: max(1, sum(size <= room_bytes for size in sizes))]


def portions(
    works: Iterable[QueuedBatch], room: int, room_bytes: int, reached: Callable[[QueuedBatch], int]
) -> Iterator[tuple[QueuedBatch, list[ConsumerRecord]]]:
    """What of each work goes into one commit of `room` records and `room_bytes`: records that are not below the offset it has `reached`."""
    for work in works:
        if room <= 0 or room_bytes <= 0:
            return
        offset_next = reached(work)
        records = [record for record in work.take(room, room_bytes) if record.offset >= offset_next]
        room -= len(records)
        room_bytes -= size_of(records)
        if records:
            yield work, records


class BatchQueue:
    """Works in the order in which they came; its bound is the number of agents, each of which waits for its batch."""

    def __init__(self) -> None:
        self.opening = next(_openings)
        """The number of the task's opening: a batch that was fetched under another is never processed."""
        self._works: deque[QueuedBatch] = deque()
        self._filled = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._works)

    def __iter__(self) -> Iterator[QueuedBatch]:
        return iter(list(self._works))

    async def put(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Hand over a batch; returns when all of it is committed, or dropped because the task was opened anew and will read it again."""
        if batch.opening != self.opening:
            return
        work = QueuedBatch(batch, handler, asyncio.get_running_loop().create_future())
        self._works.append(work)
        self._filled.set()
        await work.done

    def wake(self) -> None:
        """There is other work than batches."""
        self._filled.set()

    async def filled(self) -> None:
        """Return once there may be work."""
        await self._filled.wait()
        self._filled.clear()

    def finish(self) -> None:
        """Let go what is done."""
        while self._works and not self._works[0].left:
            self._works.popleft().finish()

    def renew(self) -> None:
        """Begin another opening: everything fetched so far is dropped."""
        self.opening = next(_openings)
        while self._works:
            self._works.popleft().finish()
