"""Pending replies: callers in this process that wait for the result of a record. They get it once the transaction that has it is committed."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

from app.errors import FoldstreamError


class TooManyPendingReplies(FoldstreamError):  # noqa: N818 (what it is)
    """Error when as many callers wait as may. The next has to retry later."""


class ReplyOutcomeUnknown(Exception):  # noqa: N818 (what happened)
    """Error when the transaction with the result may have been committed or not."""


class RecordLocation(NamedTuple):
    """Topic, partition and offset of a record."""

    topic: str
    partition: int
    offset: int


class PendingReply:
    """Waiter for the result of one record of a key. The location of the record may become known after the result."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self._offered: dict[RecordLocation, Any] = {}
        self._lost = False
        self._news = asyncio.Event()

    def offer(self, place: RecordLocation, answer: Any) -> None:  # noqa: ANN401 (the agent knows the type)
        """Take the result of a record of the key."""
        self._offered[place] = answer
        self._news.set()

    def lose(self) -> None:
        """Fail the waiter, unless it has its result: the outcome of the transaction is unknown for now."""
        self._lost = True
        self._news.set()

    async def answer(self, place: RecordLocation) -> Any:  # noqa: ANN401 (the agent knows the type)
        """Wait for the result of the record at this location. Raises ReplyOutcomeUnknown when the outcome is unknown for now."""
        while place not in self._offered:
            if self._lost:
                raise ReplyOutcomeUnknown
            self._news.clear()
            await self._news.wait()
        return self._offered[place]


class PendingReplies:
    """Waiters by the key that names the record they wait for; at most `bound`."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._count = 0
        self._waiting: defaultdict[Hashable, list[PendingReply]] = defaultdict(list)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    @contextmanager
    def expect(self, key: Hashable, partition: int) -> Iterator[PendingReply]:
        """Register a waiter for a record of this key that is about to be written to a partition. Raises TooManyPendingReplies when no more may wait."""
        if self._count >= self._bound:
            raise TooManyPendingReplies(f"{self._bound} writes wait already")
        waiter = PendingReply(partition)
        self._count += 1
        self._waiting[key].append(waiter)
        try:
            yield waiter
        finally:
            self._leave(key, waiter)

    def tell(self, key: Hashable, place: RecordLocation, answer: Any) -> None:  # noqa: ANN401 (the agent knows the type)
        """Offer a result to all waiters for the key."""
        for waiter in self._waiting.get(key, ()):
            waiter.offer(place, answer)

    def lose(self, partition: int) -> None:
        """Fail all waiters for records of a partition: the outcome of its last transaction is unknown."""
        for waiter in chain.from_iterable(self._waiting.values()):
            if waiter.partition == partition:
                waiter.lose()

    def _leave(self, key: Hashable, waiter: PendingReply) -> None:
        self._count -= 1
        self._waiting[key].remove(waiter)
        if not self._waiting[key]:
            del self._waiting[key]
