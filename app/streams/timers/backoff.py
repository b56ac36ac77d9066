"""Retry back-off of timers whose handler failed. A task keeps it across its incarnations.

A rejected transaction of several timers is tried again in halves, down to the one timer at fault. That one is tried again alone, because it would make others
fail with it.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from app.streams.processing.limits import TRANSACTION_RECORDS
from app.streams.timers.timers import names

log = logging.getLogger(__name__)

RETRY_MS = 1_000
LONGEST_MS = 60_000
"""First and longest back-off of a timer (milliseconds). It doubles after each failure."""


class FiredTimer(NamedTuple):
    """A timer whose handler was called, with its due time."""

    timer: str
    due_ms: int
    at_ms: int
    """Brokers' time at which it fired (milliseconds since 1970)."""


class FailedAttempt(NamedTuple):
    """Number of failures for one due time, and when the timer is tried again."""

    due_ms: int
    times: int
    until_ms: int
    alone: bool


class TimerBackoff:
    """Back-off of one task's timers. `limit` is how many timers the next transaction may carry."""

    def __init__(self) -> None:
        self.limit = TRANSACTION_RECORDS
        self._found: dict[str, FailedAttempt] = {}

    def when_ms(self, timer: str, due_ms: int | None) -> int | None:
        """Return when to look at a timer that is due at `due_ms`: later if it failed before, None if it is gone. A timer that was set again has no back-off."""
        found = self._found.get(timer)
        if found is not None and found.due_ms != due_ms:
            del self._found[timer]
            return due_ms
        return due_ms if found is None else found.until_ms

    def alone(self, timer: str) -> bool:
        """Return whether a timer must have a transaction of its own."""
        return timer in self._found and self._found[timer].alone

    def postpone(self, woken: FiredTimer, why: str, *, alone: bool = False) -> None:
        """Note a failure of a timer, and try it again later."""
        before = self._found.get(woken.timer)
        times = before.times + 1 if before else 1
        wait_ms = min(LONGEST_MS, RETRY_MS << min(times - 1, 16))
        self._found[woken.timer] = FailedAttempt(woken.due_ms, times, woken.at_ms + wait_ms, alone)
        log.warning("%s is not woken for %s, try %d, again in %d s: %s", *names(woken.timer), times, wait_ms // 1000, why)

    def refused(self, taken: Sequence[FiredTimer], error: str) -> None:
        """Halve the next transaction after the broker rejected one of these timers. A timer that was alone in it is tried again later."""
        if len(taken) == 1:
            self.postpone(taken[0], error, alone=True)
        else:
            self.narrow(len(taken))

    def narrow(self, taken: int) -> None:
        """Halve the limit after a transaction of this many timers failed. It may have been too large."""
        self.limit = max(1, taken // 2)

    def accepted(self, taken: Sequence[FiredTimer]) -> None:
        """Double the limit after these timers were committed, and forget their failures."""
        self.limit = min(TRANSACTION_RECORDS, 2 * self.limit)
        if self._found:
            for woken in taken:
                self._found.pop(woken.timer, None)
