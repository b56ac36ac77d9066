"""A worker whose consumer's thread takes its time to start, so that SIGTERM comes before it answers anybody."""

import asyncio
import sys

from app.streams.runtime.consumer_thread import ConsumerThread
from bench.alone import run_worker

LATE_S = 6.0
"""Longer than it takes to ask the worker to end once it serves HTTP (seconds)."""

_start = ConsumerThread.on_start


async def on_start(thread: ConsumerThread) -> None:
    """Start as ever, later."""
    await asyncio.sleep(LATE_S)
    await _start(thread)


ConsumerThread.on_start = on_start  # type: ignore[method-assign,assignment]  # a function is as good
sys.exit(run_worker(accept_loss=False))
