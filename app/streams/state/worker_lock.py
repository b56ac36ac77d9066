"""Lock of a worker's directory, which one process at a time may use."""

import fcntl
from pathlib import Path
from typing import IO

from app.embedded_kafka.home import made
from app.errors import FoldstreamError
from app.settings import variable


def lock(directory: Path) -> IO[str]:
    """Lock the directory, made if absent, until the process ends. Raises FoldstreamError when another process holds it, or it cannot be made."""
    held = (made(directory, variable("datadir")) / "lock").open("w")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"another worker uses {directory}: give each its own FOLDSTREAM_WORKER_ID or FOLDSTREAM_DATADIR"
        raise FoldstreamError(message) from None
    return held
