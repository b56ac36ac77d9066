"""Pauses of a task before a restart, and the reason that `/readyz` gives meanwhile."""

import asyncio

from app.diagnosis.kafka_errors import explained
from app.streams.errors import TransactionRejected

SHORTEST_S = 0.5

LONGEST_S = 5.0
"""Longest pause. A task that fails again and again pauses twice as long each time, up to this (seconds)."""

HEALTHY_S = 5.0
"""Time that a task stays open, beyond the length of its pause, until the next pause is the shortest again (seconds)."""


class Pauses:
    """Pauses of one task."""

    def __init__(self) -> None:
        self._failures = 0
        """Number of failures, each soon after the task was opened."""
        self.reason = ""
        """Reason of the last pause; empty if there was none."""
        self._over_s = 0.0

    @property
    def over(self) -> bool:
        """True once the task has run as long after its last pause as that took."""
        return _now_s() > self._over_s

    def next_s(self, error: Exception, *, was_open: bool) -> float:
        """Return the pause after a failure (seconds). A task that was open restarts at once after its first failure, or a rejection (retried in halves)."""
        self._failures = 0 if _now_s() > self._over_s + HEALTHY_S else self._failures
        halved = isinstance(error, TransactionRejected)
        at_once = was_open and (self._failures == 0 or halved)
        pause_s = 0.0 if at_once else min(LONGEST_S, SHORTEST_S * 2**self._failures)
        self._failures += not halved
        self.reason = "" if at_once else explained(error)
        self._over_s = _now_s() + 2 * pause_s
        return pause_s


def _now_s() -> float:
    return asyncio.get_running_loop().time()
