"""The wall clock, for people: no decision is taken from it."""

import time

from schemas.timestamp import rfc3339


def now() -> str:
    """RFC 3339, UTC, with milliseconds."""
    return rfc3339(time.time_ns() // 1_000_000)
