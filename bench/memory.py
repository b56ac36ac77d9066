"""Memory of a worker, as the operating system reports it for the process.

RocksDB reads its files with `pread`, not through mappings, so the kernel's page cache is not part of the resident set. Its block cache and its write
buffers are ordinary anonymous memory, so they are. The resident file pages are code: Python's, and that of shared libraries, which other processes may share.
"""

import re
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.engine import Running


class Memory(NamedTuple):
    """Resident memory, the part of it that no other process shares, and its peak, in MB (10^6 bytes)."""

    resident_mb: float
    unique_mb: float
    peak_mb: float


def memory(running: Running) -> Memory:
    """Return the memory of a running engine."""
    full = psutil.Process(running.process.pid).memory_full_info()
    return Memory(full.rss / 1e6, full.uss / 1e6, _peak_kib(running.process.pid) * 1024 / 1e6)


def _peak_kib(pid: int) -> int:
    """Return the high-water mark of the resident set in KiB. Only Linux reports it; elsewhere it is 0."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) if found else 0
