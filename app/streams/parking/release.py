"""Release of parked records. An operator retries or discards one, then the task drains the records behind it in order (contract, section 2).

Each step is one transaction: it writes what the record causes, deletes its row and reports the outcome on the topic `parked`. A worker that is killed in
between leaves a queue whose head is `behind-parked`; the next owner of the task continues to drain it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic

from aiokafka import ConsumerRecord

from app.errors import FoldstreamError
from app.streams.errors import TransactionRejected
from app.streams.kafka.transactions import OutgoingRecord
from app.streams.parking import rows as parking
from app.streams.parking.guard import RecordGuard
from app.streams.parking.record import BEHIND, Park, ParkedRecord, outcome
from app.streams.processing.handlers import RecordHandler
from app.streams.processing.unit_of_work import UnitOfWork

log = logging.getLogger(__name__)

MOST_ASKED = 100
"""Most requests of operators that may wait. The next one fails with Interrupted."""


class NotParked(FoldstreamError):  # noqa: N818 (what it is)
    """Error of a request for a location from which no record is parked."""


class NotHead(FoldstreamError):  # noqa: N818 (what it is)
    """Error of a request for a record that waits behind an earlier one of the same key. The earlier one has to be released first."""


class Interrupted(FoldstreamError):  # noqa: N818 (what it is)
    """Error of a request when the task closes or restarts, or when too many requests wait. The request may be done or not."""


@dataclass
class ReleaseRequest:
    """Request of an operator to release the parked record from a location. `discard` gives the reason to discard it; None means a retry."""

    topic: str
    offset: int
    discard: str | None = None
    done: "asyncio.Future[Park | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Result of the request: None once it is done, or why the record is still parked. Fails with NotParked, NotHead or Interrupted."""

    def tell(self, park: Park | None) -> None:
        """Complete the request with its result."""
        if not self.done.done():
            self.done.set_result(park)

    def fail(self, error: FoldstreamError) -> None:
        """Fail the request, because it could not be done or its outcome is unknown."""
        if not self.done.done():
            self.done.set_exception(error)


RECORDS = 200
BYTES = 8 << 20
"""Most records, and most bytes of their values, that one transaction releases."""

Commit = Callable[[Sequence[ConsumerRecord], float], Awaitable[None]]
"""Commit of what these records caused. The second argument is the monotonic time at which they were taken."""


class ParkedReleaser:
    """Releaser of parked records, for one incarnation of a task. Each step is one transaction, which `commit` makes of the records it took."""

    def __init__(self, unit: UnitOfWork, intake: RecordGuard, handlers: Iterable[RecordHandler], parked_topic: str, commit: Commit) -> None:
        """Read the blocked queues from the rows. `parked_topic` is the name of the topic `parked` on the broker."""
        self._unit = unit
        self._intake = intake
        self._handlers = {handler.agent: handler for handler in handlers}
        self._topic = parked_topic
        self._commit = commit
        heads = parking.heads()
        intake.open_anew(heads, parking.counts())
        self._following = deque(queue for queue, reason in heads.items() if parking.goes_on(queue, reason))

    def __bool__(self) -> bool:
        return bool(self._following)

    async def answer(self, request: ReleaseRequest) -> None:
        """Carry out a request of an operator, and complete it."""
        try:
            request.tell(await self._answer(request))
        except (NotParked, NotHead) as error:
            request.fail(error)
        except BaseException:
            request.fail(Interrupted("the task was taken over meanwhile: look whether the record still is parked"))
            raise

    async def _answer(self, request: ReleaseRequest) -> Park | None:
        began_s, rows = monotonic(), self._asked_for(request)
        try:
            park = self._settle(rows, request.discard)
            await self._commit([row.record() for row in rows], began_s)
        except TransactionRejected as refused:
            self._intake.absolve(rows[0].record())
            request.tell(Park("failed", str(refused)))
            raise
        became = f"parked again: {park}" if park else f"discarded: {request.discard}" if request.discard else "released"
        log.info("an operator asked for it: %s [%d] %d is %s", *_place(rows[0].record()), became)
        for queue in [parking.queue(row) for row in rows if row.blocks]:
            self._go_on(queue)
        return park

    def _asked_for(self, request: ReleaseRequest) -> list[ParkedRecord]:
        """Return the rows of the location, one for each agent that parked the record from there. Raises NotParked or NotHead."""
        rows = parking.found(request.topic, request.offset)
        if not rows:
            raise NotParked(f"{request.topic} {request.offset} is not parked here")
        if not all(parking.is_head(self._unit.rows.store, row) for row in rows):
            raise NotHead("an earlier record of the same key is parked, and has to be retried or discarded first")
        return rows

    def _settle(self, rows: Sequence[ParkedRecord], discard: str | None = None) -> Park | None:
        """Retry or discard the rows of one location.

        Returns why it is parked again for one of its agents, if it is. The record of the outcome precedes the record that parks it again.
        """
        parks = [self._attempt(row) if discard is None else None for row in rows]
        for row in rows:
            self._intake.let_go(row)
        if None in parks:
            became = ("released", "") if discard is None else ("discarded", discard)
            self._unit.outgoing.append(outcome(self._topic, rows[0], *became))
        for row, park in zip(rows, parks, strict=True):
            if park is not None:
                self._intake.keep(self._unit, row.again(park))
        return next(filter(None, parks), None)

    def _attempt(self, row: ParkedRecord) -> Park | None:
        if row.cut:
            why = f"it was too large to be kept whole ({row.cut} bytes): discard it; {row.topic} [{row.partition}] {row.offset} has it as long as it keeps it"
            return Park("failed" if row.reason == BEHIND else row.reason, why)
        if row.reason == "misrouted":  # on the partition of its key it is a new record
            self._unit.outgoing.append(OutgoingRecord(row.topic, row.key, row.value, row.came_with))  # type: ignore[arg-type]  # a header without a value is one, too
            return None
        self._unit.mark()
        return self._intake.attempt(self._unit, self._handlers[row.agent], row.record())

    async def follow(self) -> None:
        """Release the first records of a queue whose head is gone, as many as one transaction may carry."""
        began_s, queue = monotonic(), self._following[0]
        tried = [row.record() for row in self._tried(queue)]
        if tried:
            await self._commit(tried, began_s)
            log.info("%d records of one key that waited behind another followed, from %s [%d] %d on", len(tried), *_place(tried[0]))
        self._following.popleft()
        self._go_on(queue)

    def _tried(self, queue: str) -> Iterator[ParkedRecord]:
        """Retry the records of a queue until one of them becomes its head or the transaction is full."""
        size = 0
        for row in islice(parking.in_order(queue), min(self._intake.limit, RECORDS)):
            park = self._settle([row])
            yield row
            size += len(row.value or b"")
            if size > BYTES or (park is not None and row.again(park).blocks):
                return

    def _go_on(self, queue: str) -> None:
        """Unblock a queue that is empty after the commit; drain it further if its head no longer blocks it."""
        head = parking.head(self._unit.rows.store, queue)
        if head is None:
            self._intake.blocked.discard(queue)
        elif parking.goes_on(queue, head[1]):
            self._following.append(queue)


class TaskReleases:
    """Releases of parked records by one task. Requests of operators wait while the task is not open."""

    def __init__(self) -> None:
        self._requests: deque[ReleaseRequest] = deque()
        self._releaser: ParkedReleaser | None = None

    def __bool__(self) -> bool:
        return bool(self._requests or self._releaser)

    def add(self, request: ReleaseRequest) -> None:
        """Queue a request; raises Interrupted when too many wait."""
        if len(self._requests) >= MOST_ASKED:
            raise Interrupted(f"{MOST_ASKED} requests wait already")
        self._requests.append(request)

    def open(self, releaser: ParkedReleaser) -> None:
        """Release with the rows of this incarnation."""
        self._releaser = releaser

    def close(self) -> None:
        """Release nothing until the next incarnation. Its rows tell which queues to drain."""
        self._releaser = None

    async def step(self) -> None:
        """Answer a request, or else drain a queue, in one transaction at most."""
        assert self._releaser is not None, "the task is open"
        if self._requests:
            await self._releaser.answer(self._requests.popleft())
        elif self._releaser:
            await self._releaser.follow()

    def interrupt(self) -> None:
        """Fail all pending requests, because the task closes."""
        while self._requests:
            self._requests.popleft().fail(Interrupted("the partition is on its way to another worker: ask again"))


def _place(record: ConsumerRecord) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset
