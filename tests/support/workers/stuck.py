"""Worker whose consumer thread blocks once a file is in its data directory, and whose /healthz has a short timeout."""

import asyncio
import os
import sys
import time
from pathlib import Path

from app.streams.runtime.consumer_thread import ConsumerThread
from app.web.monitoring import liveness as vitals
from bench.alone import run_worker

PROGRAM = ("-m", "tests.support.workers.stuck")
FILE = "stuck"

_start = ConsumerThread.on_start


async def on_start(thread: ConsumerThread) -> None:
    """Start as usual, and block the thread once the file exists."""
    await _start(thread)
    _look()


def _look() -> None:
    if (Path(os.environ["FOLDSTREAM_DATADIR"]) / FILE).exists():
        time.sleep(1_000)
    asyncio.get_running_loop().call_later(0.1, _look)


if __name__ == "__main__":
    ConsumerThread.on_start = on_start  # type: ignore[method-assign,assignment]  # a function is as good
    vitals.THREAD_LOOKS = 4
    sys.exit(run_worker(accept_loss=False))
