"""Engines to measure: Foldstream's worker and the hand-written loops, each in its own process with its log next to its data."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Self

from app.settings import Settings, variable

STOP_S = 20.0
"""Time after SIGTERM at which an engine that has not ended is killed (seconds)."""

OWN = {"broker", "datadir", "app_id", "topic_prefix", "replication", "partitions", "worker_id", "session_timeout_s"}
"""Settings of a run that are passed to the engine."""


class Failed(RuntimeError):  # noqa: N818 (what happened)
    """Error: an engine ended, or did not do its work."""


class Engine(NamedTuple):
    """Engine that processes commands. `words` returns Python's arguments for the settings of a run."""

    short: str
    """Short name, as in names of topics."""
    name: str
    words: Callable[[Settings], list[str]]


class Running:
    """Running engine: `with Running(engine, settings) as running`. Leaving the block ends it."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._engine = engine
        settings.datadir.mkdir(parents=True, exist_ok=True)
        self._log = settings.datadir.parent / f"{settings.datadir.name}.log"
        self._began = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 (our own words)
                [sys.executable, *engine.words(settings)],
                env={**os.environ, **_environment(settings)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C goes to the bench, which ends the engine
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def said(self) -> str:
        """Log of this process."""
        return self._log.read_text()[self._began :]

    def require(self) -> None:
        """Raise Failed, with the end of the log, if the engine has ended."""
        if self.process.poll() is not None:
            lines = "\n".join(self.said.splitlines()[-15:])
            raise Failed(f"{self._engine.name} ended with {self.process.returncode}:\n{lines}")

    def until_said(self, pattern: str, within_s: float, times: int = 1) -> float:
        """Wait until the log has this number of different matches, and return the time at which it has (CLOCK_MONOTONIC seconds).

        Raises Failed if they do not come in time.
        """
        deadline_s = time.monotonic() + within_s
        while len(set(re.findall(pattern, self.said))) < times:
            self.require()
            if time.monotonic() > deadline_s:
                raise Failed(f"{self._engine.name} did not say {pattern!r} within {within_s:.0f} s")
            time.sleep(0.05)
        return time.monotonic()

    def said_at(self, pattern: str) -> list[float]:
        """Return the times of all log lines whose message begins with the pattern (seconds since 1970). Raises Failed if there is none."""
        found = re.findall(rf'^{{"timestamp": "([^"]+)".*"message": "(?:{pattern})', self.said, re.MULTILINE)
        if not found:
            raise Failed(f"no line of the log says {pattern!r}")
        return [datetime.fromisoformat(timestamp).timestamp() for timestamp in found]

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop the engine (SIGSTOP) while the block runs, which must be shorter than its session time-out."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the engine cleanly, or by force if that takes too long."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the engine as a crash would."""
        self.process.kill()
        self.process.wait()


def _environment(settings: Settings) -> Mapping[str, str]:
    own = settings.model_dump(mode="json", include=OWN, exclude_none=True)
    return {variable(name): str(value) for name, value in {**own, "web_port": 0, "log_format": "json"}.items()}


def _loop(settings: Settings, records: str) -> list[str]:
    return ["-m", "bench.loop", records, settings.bootstrap, settings.app_id, settings.topic_prefix, str(settings.datadir / "rows")]


def _sampled(settings: Settings) -> list[str]:
    return ["-m", "bench.sampled", str(samples(settings))]


def samples(settings: Settings) -> Path:
    """Return the path at which the sampled worker writes its samples."""
    return settings.datadir / "samples"


LOOP = Engine("few", "loop, event and changelog", lambda settings: _loop(settings, "few"))
SAME = Engine("same", "loop, the worker's records", lambda settings: _loop(settings, "same"))
WORKER = Engine("worker", "foldstream worker", lambda _: ["-m", "bench.alone"])
WRITTEN = Engine("written", "foldstream, write side alone", lambda _: ["-m", "bench.written"])
WHOLE = Engine("whole", "foldstream worker with sagas", lambda _: ["-m", "app", "worker"])
SAMPLED = Engine("sampled", "foldstream worker, sampled", _sampled)
