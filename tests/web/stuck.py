"""A worker whose consumer's thread does nothing any more some seconds after it was started, and whose /healthz has little patience."""

import asyncio
import sys
import time

from app.kernel.consumer_thread import ConsumerThread
from app.web import vitals
from bench.alone import run_worker

SOUND_S = 6.0
"""Long enough to serve (seconds)."""

_start = ConsumerThread.on_start


async def on_start(thread: ConsumerThread) -> None:
    """Start as ever, and block the thread later on."""
    await _start(thread)
    asyncio.get_running_loop().call_later(SOUND_S, time.sleep, 1_000)


ConsumerThread.on_start = on_start  # type: ignore[method-assign,assignment]  # a function is as good
vitals.THREAD_LOOKS = 4
sys.exit(run_worker(accept_loss=False))
