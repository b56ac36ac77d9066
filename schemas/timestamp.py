"""Timestamps of messages: RFC 3339, UTC, with milliseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS = -62_135_596_800_000
_LAST_MS = 253_402_300_799_999
"""Last millisecond that a date with a four-digit year can express. `_FIRST_MS` is the first."""


@lru_cache(maxsize=1024)
def rfc3339(timestamp_ms: int) -> str:
    """Format a record's timestamp. One before year 1 or after year 9999 is clamped, because a sender may write any number."""
    moment = _EPOCH + timedelta(milliseconds=min(max(timestamp_ms, _FIRST_MS), _LAST_MS))
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(timestamp: str) -> int:
    """Parse a time that `rfc3339` wrote into milliseconds since 1970."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
