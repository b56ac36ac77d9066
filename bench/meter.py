"""Meter of a running engine from outside: CPU of the engine, the broker and the machine, and the number of visible events."""

import time

import psutil

from app.settings import Settings
from bench.engine import Failed, Running
from bench.figures import Cost, Sample, cost
from bench.place import Place

EVERY_S = 0.1
QUIET_S = 1.0
"""Time without new events after which a run has ended, once all commands are processed (seconds)."""

GIVE_UP_S = 120.0
"""Time without new events after which an engine has failed (seconds)."""


class Meter:
    """Meter of one engine's run."""

    def __init__(self, place: Place, settings: Settings, running: Running) -> None:
        self._place = place
        self._events = settings.topic("events.order")
        self._partitions = settings.partitions
        self._running = running
        self._worker = psutil.Process(running.process.pid)
        self._broker = psutil.Process(place.broker_pid)
        self.own = [psutil.Process()]
        """The bench's own processes. Their CPU time does not count as other load."""

    def sample(self) -> Sample:
        """Take one sample."""
        self._running.require()
        visible = self._place.ends(self._events, self._partitions)
        return Sample(time.monotonic(), _cpu_s(self._worker), _cpu_s(self._broker), sum(map(_cpu_s, self.own)), _machine_s(), visible)

    def window(self, commands: int, begin: int = 0) -> tuple[Sample, Sample]:
        """Return the first sample with a visible event of `commands`, and the first sample with all of their events.

        The commands are written already. `begin` offsets were visible before.
        """
        first = last = sample = self._first(begin)
        while last.visible < begin + commands or sample.at_s - last.at_s < QUIET_S:
            sample = self.sample()
            if sample.visible > last.visible:
                last = sample
            self._require_progress(sample, last)
            time.sleep(EVERY_S)
        return first, last

    def cost(self, commands: int, begin: int = 0) -> Cost:
        """Return the cost of `commands`, which are written already, from the first visible events to the last."""
        first, last = self.window(commands, begin)
        return cost(first, last, last.visible - first.visible)

    def _first(self, begin: int) -> Sample:
        began = sample = self.sample()
        while sample.visible <= begin:
            time.sleep(EVERY_S)
            sample = self.sample()
            self._require_progress(sample, began)
        return sample

    def _require_progress(self, sample: Sample, last: Sample) -> None:
        if sample.at_s - last.at_s > GIVE_UP_S:
            raise Failed(f"{self._events} stands at {sample.visible} offsets for {GIVE_UP_S:.0f} s")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


def _machine_s() -> float:
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.steal - times.guest - times.guest_nice
