"""Worker that finds its disk full: no file may grow beyond a limit. The system reports that instead of "no space left on device"."""

import resource
import sys

from rocksdict import WriteBufferManager

from app.streams.state import store
from bench.alone import run_worker

LIMIT_BYTES = 256 << 10
"""Size that suffices for the log file, but not for the rows of the test. The database's write buffers are small, too."""

resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))
store._BUFFERS = WriteBufferManager(LIMIT_BYTES, False)  # noqa: FBT003, SLF001 (rocksdict takes it by position; the product's is larger)
sys.exit(run_worker(accept_loss=False))
