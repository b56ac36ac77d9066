"""Says how far a long piece of work is, once a second; says nothing about a short one."""

import logging
import time
from typing import ClassVar

log = logging.getLogger(__name__)

EVERY_S = 1.0


class ProgressLog:
    """Counts towards `total`."""

    steps: ClassVar[int] = 0
    """Of all long work of this process: as long as it grows, something gets on."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._said_at = time.monotonic()

    def at(self, done: int) -> None:
        """Report, if the last report (or the start) is a second ago."""
        ProgressLog.steps += 1
        if time.monotonic() - self._said_at < EVERY_S:
            return
        self._said_at = time.monotonic()
        fields = {"done": done, "total": self._total}
        log.info("%s: %d of %d (%d %%)", self._what, done, self._total, 100 * done // max(1, self._total), extra=fields)
