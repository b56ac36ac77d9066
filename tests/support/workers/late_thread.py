"""Worker whose consumer thread starts late, so that SIGTERM arrives before the thread answers."""

import asyncio
import sys

from app.streams.runtime.consumer_thread import ConsumerThread
from bench.alone import run_worker

LATE_S = 6.0
"""Delay of the thread, longer than it takes to send SIGTERM once the worker serves HTTP (seconds)."""

_start = ConsumerThread.on_start


async def on_start(thread: ConsumerThread) -> None:
    """Start as usual, but late."""
    await asyncio.sleep(LATE_S)
    await _start(thread)


ConsumerThread.on_start = on_start  # type: ignore[method-assign,assignment]  # a function is as good
sys.exit(run_worker(accept_loss=False))
