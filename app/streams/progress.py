"""Progress of long work, logged once a second. Short work logs nothing."""

import logging
import time
from typing import ClassVar

log = logging.getLogger(__name__)

EVERY_S = 1.0


class ProgressLog:
    """Progress of one piece of work towards `total`."""

    steps: ClassVar[int] = 0
    """Steps of all long work of this process. As long as the number grows, the work progresses."""

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._said_at = time.monotonic()

    def at(self, done: int) -> None:
        """Log the progress if the last report (or the start) is a second ago."""
        ProgressLog.steps += 1
        if time.monotonic() - self._said_at < EVERY_S:
            return
        self._said_at = time.monotonic()
        fields = {"done": done, "total": self._total}
        log.info("%s: %d of %d (%d %%)", self._what, done, self._total, 100 * done // max(1, self._total), extra=fields)
