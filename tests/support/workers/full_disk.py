"""A worker that finds its disk full: no file of its may grow beyond a limit, which the system says in the place of "no space left on device"."""

import resource
import sys

from rocksdict import WriteBufferManager

from app.streams.state import store
from bench.alone import run_worker

LIMIT_BYTES = 256 << 10
"""Enough for what it logs, not for the rows of the test; what a database keeps in memory before it writes is small, too."""

resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
store._BUFFERS = WriteBufferManager(LIMIT_BYTES, False)  # noqa: FBT003, SLF001 (rocksdict takes it by position; the product's is larger)
sys.exit(run_worker(accept_loss=False))
