"""Returns freed memory to the operating system every 10 s (`malloc_trim`). Without it, glibc keeps the memory of the busiest moment."""

import asyncio
import ctypes
import logging

from mode import Service

GIVE_BACK_EVERY_S = 10.0


class MemoryTrimmer(Service):
    """Service that trims memory as long as the worker runs."""

    logger = logging.getLogger("faust.heap")

    @Service.timer(GIVE_BACK_EVERY_S)
    async def _give_back(self) -> None:
        await asyncio.to_thread(give_back)


def give_back() -> None:
    """Return free pages to the operating system, which takes some milliseconds. Do nothing if the C library has no `malloc_trim`."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
