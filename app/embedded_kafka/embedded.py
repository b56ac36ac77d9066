"""Embedded Kafka: the real broker in KRaft mode, one detached process per data directory."""

import secrets
import time
from pathlib import Path
from typing import NoReturn

from app.embedded_kafka import probe, process, properties
from app.embedded_kafka.home import BrokerFiles, exclusive, last_lines, made
from app.embedded_kafka.jars import Jars, Progress
from app.embedded_kafka.java import Java
from app.embedded_kafka.status import Status, port_of, running_in
from app.errors import FoldstreamError
from app.settings import Settings, variable

START_S = 90.0
"""Time that a broker has to answer after its start; after it the start has failed (seconds)."""

STOP_S = 30.0
"""Time that a broker has to end by itself; after it the broker is killed (seconds)."""

_POLL_S = 0.1


class EmbeddedKafka:
    """Broker of one data directory. Any number of processes may start it, stop it and look it up."""

    def __init__(self, datadir: Path, port: int, java: Path | None = None, jars: Jars | None = None) -> None:
        """Store the arguments. `start` uses `port` for clients and the next port for the broker's controller."""
        self.home = BrokerFiles.of(datadir)
        self.port = port
        self._java = java
        self._jars = jars or Jars()

    @property
    def bootstrap(self) -> str:
        """Bootstrap list for clients."""
        return f"{properties.HOST}:{port_of(self.home, self.port)}"

    def start(self, progress: Progress = lambda _: None) -> bool:
        """Start the broker unless it runs, and wait until it answers. Return True if this call started it. Raise FoldstreamError if it cannot start."""
        with exclusive(made(self.home.root, variable("datadir"))):
            if (found := self.status()) is None:
                self._start_new(progress)
            else:
                self._await_answer(found)
            return found is None

    def stop(self) -> None:
        """End the broker cleanly, or by force if that takes too long. Do nothing if it does not run."""
        with exclusive(made(self.home.root, variable("datadir"))):
            self._end()

    def kill(self) -> None:
        """End the broker as a crash would (SIGKILL), to test what survives a crash."""
        if (running := self.status()) is not None:
            process.kill(running.pid)

    def status(self) -> Status | None:
        """Return the running broker of this data directory, no matter which process started it, or None."""
        return running_in(self.home)

    def _start_new(self, progress: Progress) -> None:
        for port in (self.port, self.port + 1):
            probe.require_free(port)
        java = Java(self._java, self._jars.classpath(progress), self.home.log)
        progress("starting Kafka")
        self._format(java)
        try:
            self._await_answer(self._spawn(java))
        except BaseException:
            self._end()
            raise

    def _format(self, java: Java) -> None:
        self.home.properties.write_text(properties.render(self.port, self.home.records), encoding="ascii")
        if self.home.cluster_id() is None:
            java.run(["kafka.tools.StorageTool", "format", f"--cluster-id={secrets.token_urlsafe(16)}", f"--config={self.home.properties}"])

    def _spawn(self, java: Java) -> Status:
        status = Status(java.spawn(self.home.command, self.home.console), self.port)
        status.write(self.home.running)
        return status

    def _await_answer(self, running: Status) -> None:
        deadline_s = time.monotonic() + START_S
        while probe.cluster_at(running.port) != self.home.cluster_id():
            if self.status() is None:
                self._fail("Kafka ended while it was starting")
            if time.monotonic() > deadline_s:
                self._fail(f"Kafka does not answer on port {running.port} after {START_S:.0f} s, run `foldstream kafka stop`")
            time.sleep(_POLL_S)

    def _fail(self, what: str) -> NoReturn:
        said = last_lines(self.home.console, 10) + last_lines(self.home.log, 10)
        raise FoldstreamError(f"{what}; the last lines of its logs in {self.home.root}:", *said)

    def _end(self) -> None:
        if (running := self.status()) is not None:
            process.terminate(running.pid, STOP_S)
        self.home.running.unlink(missing_ok=True)


def embedded(chosen: Settings) -> EmbeddedKafka:
    """Return the broker of the settings' data directory, whether it runs or not."""
    return EmbeddedKafka(chosen.datadir, chosen.kafka_port, chosen.java)
