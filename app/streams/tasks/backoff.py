"""How long a task waits before it is taken over again, and the reason that `/readyz` gives meanwhile."""

import asyncio

from app.diagnosis.kafka_errors import explained
from app.streams.errors import TransactionRejected

SHORTEST_S = 0.5

LONGEST_S = 5.0
"""A task that fails again and again pauses for twice as long each time, and for so long at most (seconds)."""

HEALTHY_S = 5.0
"""A task that stays open for so much longer than it paused begins anew with the shortest pause (seconds)."""


class Pauses:
    """Those of one task."""

    def __init__(self) -> None:
        self._failures = 0
        """How often it failed, each time soon after it was opened."""
        self.reason = ""
        """What the last pause was for; empty when there was none."""
        self._over_s = 0.0

    @property
    def over(self) -> bool:
        """True once the task had as much time after its last pause as that took."""
        return _now_s() > self._over_s

    def next_s(self, error: Exception, *, was_open: bool) -> float:
        """The pause after a failure: none after what may have happened once, or is tried again in halves."""
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
