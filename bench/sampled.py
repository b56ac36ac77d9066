"""A worker that watches where its CPU time goes: every few milliseconds of it, each thread's stack with the CPU time the thread used since.

usage: python -m bench.sampled FILE

A deterministic profiler makes small functions look dear, and sees one thread. Here the kernel's timer interrupts the main thread between two byte codes,
so what C code takes counts for the Python function that called it. The other threads are seen wherever they are at that moment: each one's total
is right, its parts are a little less so. When the worker ends, FILE has a line for each sample: CLOCK_MONOTONIC seconds, CPU seconds, and the functions on
the stack from inside out.
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
"""Of CPU time of the whole process; kernels round it up to their own tick, often 4 ms."""

Sample = tuple[float, float, tuple[CodeType, ...]]
"""CLOCK_MONOTONIC seconds, CPU seconds, and the stack from inside out."""


class Sampler:
    """Collects samples from `start` on."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._used_s: dict[int, float] = {}

    def start(self) -> None:
        """Sample until `stop`."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> None:
        """Sample no more: a timer that outlives the interpreter kills the process."""
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
    """Run a worker and leave its samples; the worker's exit code."""
    sampler = Sampler()
    sampler.start()
    try:
        return run_worker(accept_loss=False)
    finally:
        sampler.stop()
        path.write_bytes(b"\n".join(map(_line, sampler.samples)))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
