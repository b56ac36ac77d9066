"""Who waits in this process for the answer to a record: told once the transaction that has it is committed."""

import asyncio
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any, NamedTuple

from app.errors import FoldstreamError


class TooManyPendingReplies(FoldstreamError):  # noqa: N818 (what it is)
    """As many wait as may; the next has to come again later."""


class ReplyOutcomeUnknown(Exception):  # noqa: N818 (what happened)
    """The transaction with the answer may have been committed or not."""


class RecordLocation(NamedTuple):
    """Where a record is."""

    topic: str
    partition: int
    offset: int


class PendingReply:
    """Waits for the answer to one record of a key; its place may become known after the answer."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self._offered: dict[RecordLocation, Any] = {}
        self._lost = False
        self._news = asyncio.Event()

    def offer(self, place: RecordLocation, answer: Any) -> None:  # noqa: ANN401 (the agent knows the type)
        """A record of the key was answered."""
        self._offered[place] = answer
        self._news.set()

    def lose(self) -> None:
        """What is not answered by now is not known for a while."""
        self._lost = True
        self._news.set()

    async def answer(self, place: RecordLocation) -> Any:  # noqa: ANN401 (the agent knows the type)
        """The answer to the record at this place; ReplyOutcomeUnknown when that is not known for a while."""
        while place not in self._offered:
            if self._lost:
                raise ReplyOutcomeUnknown
            self._news.clear()
            await self._news.wait()
        return self._offered[place]


class PendingReplies:
    """All who wait, by what names the record they wait for; at most `bound`."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._count = 0
        self._waiting: defaultdict[Hashable, list[PendingReply]] = defaultdict(list)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._waiting

    @contextmanager
    def expect(self, key: Hashable, partition: int) -> Iterator[PendingReply]:
        """Wait for a record of this key that is about to be written to a partition; TooManyPendingReplies when no more may."""
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
        """Offer an answer to all who wait for the key."""
        for waiter in self._waiting.get(key, ()):
            waiter.offer(place, answer)

    def lose(self, partition: int) -> None:
        """Tell all who wait for records of a partition that the outcome of its last transaction is not known."""
        for waiter in chain.from_iterable(self._waiting.values()):
            if waiter.partition == partition:
                waiter.lose()

    def _leave(self, key: Hashable, waiter: PendingReply) -> None:
        self._count -= 1
        self._waiting[key].remove(waiter)
        if not self._waiting[key]:
            del self._waiting[key]
