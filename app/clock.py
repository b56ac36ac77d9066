"""The wall clock, for people: nothing is decided by it."""

import time

from schemas.timestamp import rfc3339


def now() -> str:
    """RFC 3339, UTC, with milliseconds."""
    return rfc3339(now_ms())


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
