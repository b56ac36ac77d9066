"""The wall clock, for people and for when to look at timers: no decision is taken from it."""

import time

from schemas.timestamp import rfc3339


def now() -> str:
    """RFC 3339, UTC, with milliseconds."""
    return rfc3339(now_ms())


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
