"""A digest of rows: what two generations have in common, or not."""

import asyncio
import hashlib
from collections.abc import Iterable

TURN_ROWS = 200


async def digest(tables: Iterable[tuple[str, Iterable[tuple[bytes, bytes]]]]) -> str:
    """Of rows by table, in the order of keys; it gives way to others now and then."""
    found = hashlib.sha256()
    for name, rows in tables:
        found.update(b"%d\0%b" % (len(name), name.encode()))
        for number, (key, value) in enumerate(rows):
            found.update(b"%d %d\0%b%b" % (len(key), len(value), key, value))
            if number % TURN_ROWS == 0:
                await asyncio.sleep(0)
    return found.hexdigest()
