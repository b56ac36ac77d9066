"""The memory of a worker, as its process shows it.

RocksDB reads its files with `pread`, not through mappings, so the kernel's page cache is not in the resident set; its block cache and its write buffers
are ordinary anonymous memory, and are. What is resident of files is code: Python's, and that of shared libraries, which other processes may share.
"""

import re
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.engine import Running


class Memory(NamedTuple):
    """Resident memory, what of it belongs to nobody else, and the most that was ever resident, in MB (10^6 bytes)."""

    resident_mb: float
    unique_mb: float
    peak_mb: float


def memory(running: Running) -> Memory:
    """That of an engine at work."""
    full = psutil.Process(running.process.pid).memory_full_info()
    return Memory(full.rss / 1e6, full.uss / 1e6, _peak_kib(running.process.pid) * 1024 / 1e6)


def _peak_kib(pid: int) -> int:
    """The high-water mark of the resident set; only Linux tells it, elsewhere it is 0."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(r"VmHWM:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) if found else 0
