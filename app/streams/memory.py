"""What was freed goes back to the system: the C library keeps it, between rows that stay, and a worker would grow with its busiest moment."""

import asyncio
import ctypes
import logging

from mode import Service

GIVE_BACK_EVERY_S = 10.0


class MemoryTrimmer(Service):
    """Gives it back again and again, as long as the worker lives."""

    logger = logging.getLogger("faust.heap")

    @Service.timer(GIVE_BACK_EVERY_S)
    async def _give_back(self) -> None:
        await asyncio.to_thread(give_back)


def give_back() -> None:
    """Give back whole pages that are free, which takes some milliseconds; nothing happens where the C library cannot do that."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
