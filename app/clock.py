"""Wall clock for timestamps that people read. No decision depends on it."""

import time

from schemas.timestamp import rfc3339


def now() -> str:
    """Return the current time in RFC 3339, UTC, with milliseconds."""
    return rfc3339(now_ms())


def now_ms() -> int:
    """Return the current time in milliseconds since 1970."""
    return time.time_ns() // 1_000_000
