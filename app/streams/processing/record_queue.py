"""Queue of the batches that agents handed over to a task, with the progress of each."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, count

from aiokafka import ConsumerRecord

from app.streams.processing.handlers import RecordHandler

BOUND = 2_000
"""Most records in a batch that waits. A full batch is not extended, and its partition is not fetched from."""

BOUND_BYTES = 8 << 20
"""Most bytes in a batch that waits."""


def size_of(records: Iterable[ConsumerRecord]) -> int:
    """Count the bytes of keys and values."""
    return sum(len(record.key or b"") + len(record.value or b"") for record in records)


@dataclass
class FetchMark:
    """Facts about a batch that outlive it: the incarnation under which it was fetched, and whether its task took it."""

    opening: int
    taken: bool = False


class RecordBatch:
    """Records of one partition in order, fetched under one incarnation of its task. The batch is extended until the task takes it."""

    def __init__(self, topic: str, partition: int, opening: int, records: list[ConsumerRecord]) -> None:
        self.topic = topic
        self.partition = partition
        self.opening = opening
        self.records = records
        self.size = size_of(records)
        self.fetched = FetchMark(opening)

    def take(self) -> None:
        """Mark the batch as taken, so that it is not extended any more."""
        self.fetched.taken = True

    def extend(self, records: list[ConsumerRecord], opening: int) -> bool:
        """Add records fetched later, and return True, if this batch still waits. Small fetches must not become small transactions."""
        if self.fetched.taken or self.opening != opening or self.full:
            return False
        self.records.extend(records)
        self.size += size_of(records)
        return True

    @property
    def full(self) -> bool:
        """Whether the batch waits and takes no more records."""
        return not self.fetched.taken and (len(self.records) >= BOUND or self.size >= BOUND_BYTES)


_openings = count(1)
"""Incarnation numbers, unique in a process. A partition that moves to another worker and comes back gets another task."""


@dataclass
class QueuedBatch:
    """A batch that an agent handed over. `done` lets the agent continue."""

    batch: RecordBatch
    handler: RecordHandler
    done: "asyncio.Future[None]"
    at: int = 0

    def take(self, room: int, room_bytes: int) -> list[ConsumerRecord]:
        """Take the next records, at most `room` and `room_bytes` of them, but at least one. The batch is not extended any more."""
        self.batch.take()
        records = self.batch.records[self.at : self.at + room]
        if self.batch.size > room_bytes:
            records = _within(records, room_bytes)
        self.at += len(records)
        return records

    @property
    def left(self) -> int:
        """Number of records not yet taken."""
        return len(self.batch.records) - self.at

    def finish(self) -> None:
        """Let the agent continue."""
        if not self.done.done():
            self.done.set_result(None)


def _within(records: list[ConsumerRecord], room_bytes: int) -> list[ConsumerRecord]:
    sizes = accumulate(size_of([record]) for record in records)
    return records[: max(1, sum(size <= room_bytes for size in sizes))]


def portions(
    works: Iterable[QueuedBatch], room: int, room_bytes: int, reached: Callable[[QueuedBatch], int]
) -> Iterator[tuple[QueuedBatch, list[ConsumerRecord]]]:
    """Yield the records of each batch that go into one commit of `room` records and `room_bytes`.

    Records below the offset that `reached` returns for the batch are left out.
    """
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
    """Batches in the order in which they arrived. There are never more than agents, each of which waits for its batch."""

    def __init__(self) -> None:
        self.opening = next(_openings)
        """Incarnation number of the task. A batch that was fetched under another is never processed."""
        self._works: deque[QueuedBatch] = deque()
        self._filled = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._works)

    def __iter__(self) -> Iterator[QueuedBatch]:
        return iter(list(self._works))

    async def put(self, batch: RecordBatch, handler: RecordHandler) -> None:
        """Hand over a batch, and return when all of it is committed.

        Also returns if the batch was dropped because the task restarted and will read it again.
        """
        if batch.opening != self.opening:
            return
        work = QueuedBatch(batch, handler, asyncio.get_running_loop().create_future())
        self._works.append(work)
        self._filled.set()
        await work.done

    def wake(self) -> None:
        """Wake the task for other work than batches."""
        self._filled.set()

    async def filled(self) -> None:
        """Wait until there may be work."""
        await self._filled.wait()
        self._filled.clear()

    def finish(self) -> None:
        """Remove the batches that are done, and let their agents continue."""
        while self._works and not self._works[0].left:
            self._works.popleft().finish()

    def renew(self) -> None:
        """Begin another incarnation, and drop every batch fetched so far."""
        self.opening = next(_openings)
        while self._works:
            self._works.popleft().finish()
