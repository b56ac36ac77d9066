"""What went wrong when sleepers were woken: they are tried again, later and later. A task remembers it over its openings.

A transaction of many that was refused is tried again in halves, down to the one timer at fault. That one is tried again alone: it would take others with it.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from app.streams.processing.limits import TRANSACTION_RECORDS
from app.streams.timers.timers import names

log = logging.getLogger(__name__)

RETRY_MS = 1_000
LONGEST_MS = 60_000
"""How long a timer waits after its first setback, and at most: twice as long after each."""


class FiredTimer(NamedTuple):
    """A timer whose sleeper was woken, for this due time."""

    timer: str
    due_ms: int
    at_ms: int
    """When it was woken, as the brokers say."""


class FailedAttempt(NamedTuple):
    """How often it went wrong for a due time, and when it is tried again."""

    due_ms: int
    times: int
    until_ms: int
    alone: bool


class TimerBackoff:
    """One task's; `limit` is how many timers the next transaction may carry."""

    def __init__(self) -> None:
        self.limit = TRANSACTION_RECORDS
        self._found: dict[str, FailedAttempt] = {}

    def when_ms(self, timer: str, due_ms: int | None) -> int | None:
        """When to look at a timer that is due then: later if it was tried before. None when it is gone; one that was set anew has a new chance."""
        found = self._found.get(timer)
        if found is not None and found.due_ms != due_ms:
            del self._found[timer]
            return due_ms
        return due_ms if found is None else found.until_ms

    def alone(self, timer: str) -> bool:
        """True if it must have a transaction of its own."""
        return timer in self._found and self._found[timer].alone

    def postpone(self, woken: FiredTimer, why: str, *, alone: bool = False) -> None:
        """It went wrong once more: try again later."""
        before = self._found.get(woken.timer)
        times = before.times + 1 if before else 1
        wait_ms = min(LONGEST_MS, RETRY_MS << min(times - 1, 16))
        self._found[woken.timer] = FailedAttempt(woken.due_ms, times, woken.at_ms + wait_ms, alone)
        log.warning("%s is not woken for %s, try %d, again in %d s: %s", *names(woken.timer), times, wait_ms // 1000, why)

    def refused(self, taken: Sequence[FiredTimer], error: str) -> None:
        """A transaction of these was refused: the next carries half of them, one alone is tried again later."""
        if len(taken) == 1:
            self.postpone(taken[0], error, alone=True)
        else:
            self.narrow(len(taken))

    def narrow(self, taken: int) -> None:
        """A transaction of so many failed: half of them may have been too many."""
        self.limit = max(1, taken // 2)

    def accepted(self, taken: Sequence[FiredTimer]) -> None:
        """A transaction of these was committed: the next may carry more."""
        self.limit = min(TRANSACTION_RECORDS, 2 * self.limit)
        if self._found:
            for woken in taken:
                self._found.pop(woken.timer, None)
