"""Times as messages have them: RFC 3339, UTC, with milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=1024)
def rfc3339(timestamp_ms: int) -> str:
    """A record's timestamp as text."""
    return datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(timestamp: str) -> int:
    """Since 1970, of a time that `rfc3339` wrote."""
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)
