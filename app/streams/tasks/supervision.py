"""Supervision of a task: how long it pauses before a restart, and the reasons why it does not do all of its work, which `/readyz` gives."""

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


class Supervision:
    """Supervision of one task. Its reasons outlive the incarnation that met them."""

    def __init__(self) -> None:
        self.pauses = Pauses()
        self.closed_for = ""
        """Reason why the task stays closed until the assignment changes or an operator acts; empty if it does not."""
        self.unreadable: dict[str, str] = {}
        """Errors that stopped the reading of a topic, by topic. The other topics are still read."""
        self.not_given: dict[str, str] = {}
        """Reports of records that the broker has but does not return, by topic."""

    @property
    def stop_reason(self) -> str:
        """Reason why the task stays closed or no longer reads a topic, until an operator acts; empty if there is none."""
        return self.closed_for or "; ".join(self.unreadable.values())

    def trouble(self, *, is_open: bool) -> str:
        """Return the reason of the current pause or of one that has just ended, or else the records that the broker does not return; empty if there is none."""
        if is_open and self.pauses.over:
            return "; ".join(self.not_given.values())
        return self.pauses.reason


def _now_s() -> float:
    return asyncio.get_running_loop().time()
