"""Worker that samples itself: every few milliseconds of CPU time, each thread's stack and the CPU time it used since the last sample.

usage: python -m bench.sampled FILE

A deterministic profiler makes small functions look expensive, and sees only one thread. Here the kernel's timer interrupts the main thread between two
byte codes, so the time of C code counts for the Python function that called it. The other threads are sampled wherever they are at that moment: each
thread's total is right, its parts are a little less so. When the worker ends, FILE has a line for each sample: CLOCK_MONOTONIC seconds, CPU seconds, and
the functions on the stack, the innermost first.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType

import msgspec

from bench.alone import run_worker

EVERY_S = 0.001
"""Sampling interval in CPU seconds of the whole process. Kernels round it up to their own tick, often 4 ms."""

Sample = tuple[float, float, tuple[CodeType, ...]]
"""CLOCK_MONOTONIC seconds, CPU seconds, and the stack, the innermost function first."""


class Sampler:
    """Sampler of all threads' stacks and CPU time."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._used_s: dict[int, float] = {}

    def start(self) -> None:
        """Sample until `stop`."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Stop sampling. A timer that outlives the interpreter would kill the process."""
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _signal: int, interrupted: FrameType | None) -> None:
        now_s, here = time.monotonic(), threading.get_ident()
        for thread, frame in sys._current_frames().items():  # noqa: SLF001 (the documented way to see other threads)
            used_s = _cpu_s(thread)
            before_s = self._used_s.setdefault(thread, used_s)
            if used_s > before_s:
                self._used_s[thread] = used_s
                self.samples.append((now_s, used_s - before_s, tuple(_stack(interrupted if thread == here else frame))))


def _cpu_s(thread: int) -> float:
    return time.clock_gettime(time.pthread_getcpuclockid(thread))


def _stack(frame: FrameType | None) -> Iterator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back


def _line(sample: Sample) -> bytes:
    at_s, used_s, stack = sample
    return msgspec.json.encode((at_s, used_s, [f"{code.co_filename}:{code.co_qualname}" for code in stack]))


def main(path: Path) -> int:
    """Run a worker, write its samples and return its exit code."""
    sampler = Sampler()
    sampler.start()
    try:
        return run_worker(accept_loss=False)
    finally:
        sampler.stop()
        path.write_bytes(b"\n".join(map(_line, sampler.samples)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
