"""A shell as somebody has it open: one process, with its variables and its jobs in the background."""

import os
import re
import signal
import subprocess
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Self

_END = "--- that was all ---"
_KILLED = re.compile(r"^bash: line \d+: +\d+ (Killed|Terminated) .*\n", re.MULTILINE)
"""What bash says of a job that somebody ended."""


class Shell:
    """`with Shell(directory, environment) as shell`; at the end all that still runs in the background is killed."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = {**os.environ, **environment}

    def __enter__(self) -> Self:
        self._bash = subprocess.Popen(
            ["bash"],  # noqa: S607 (the shell that is there)
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        with self._bash:
            pass

    def run(self, command: str) -> tuple[str, int]:
        """Type a command; what it printed and its exit code, once it has ended or is in the background."""
        assert self._bash.stdin
        assert self._bash.stdout
        self._bash.stdin.write(f"{command}\ncode=$?; echo; echo '{_END}'; echo $code; (exit $code)\n")
        self._bash.stdin.flush()
        lines = takewhile(f"{_END}\n".__ne__, self._bash.stdout)
        return _KILLED.sub("", "".join(lines)), int(self._bash.stdout.readline())
