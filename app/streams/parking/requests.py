"""What operators ask of a task: that a parked record be retried, or discarded."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from app.errors import FoldstreamError
from app.streams.parking.record import Park

MOST_ASKED = 100
"""Requests of operators that may wait for their turn; the next is asked to come again."""


class NotParked(FoldstreamError):  # noqa: N818 (what it is)
    """Nothing that came from this place is open."""


class NotHead(FoldstreamError):  # noqa: N818 (what it is)
    """An earlier record of the same key is open: that one first."""


class Interrupted(FoldstreamError):  # noqa: N818 (what it is)
    """The task was taken over again, or too many ask: what was asked for may be done or not."""


@dataclass
class Request:
    """What an operator wants done with the open record from a place: `discard` gives the reason, None means a retry."""

    topic: str
    offset: int
    discard: str | None = None
    done: "asyncio.Future[Park | None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """None once it is done, or why the record still is parked; NotParked, NotHead, Interrupted."""

    def tell(self, park: Park | None) -> None:
        """It is committed."""
        if not self.done.done():
            self.done.set_result(park)

    def fail(self, error: FoldstreamError) -> None:
        """It could not be done, or nobody knows."""
        if not self.done.done():
            self.done.set_exception(error)


class Requests:
    """What operators asked of one task and is not done yet."""

    def __init__(self) -> None:
        self._waiting: deque[Request] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, request: Request) -> None:
        """Wait for its turn; Interrupted when too many do."""
        if len(self._waiting) >= MOST_ASKED:
            raise Interrupted(f"{MOST_ASKED} requests wait already")
        self._waiting.append(request)

    def take(self) -> Request:
        """The next."""
        return self._waiting.popleft()

    def interrupt(self) -> None:
        """The task closes."""
        while self._waiting:
            self.take().fail(Interrupted("the partition is on its way to another worker: ask again"))
