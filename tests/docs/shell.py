"""Shell as a user has it open: one process, with its variables and its jobs in the background."""

import os
import signal
import subprocess
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_END = "--- that was all ---"


class Done(NamedTuple):
    """Output of a command, the text on stderr meanwhile (also of background jobs and bash itself), and the exit code."""

    printed: str
    aside: str
    code: int


class Shell:
    """Shell for tests: `with Shell(directory, environment) as shell`. At the end all background jobs are killed.

    Its stderr goes to a file beside the directory.
    """

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory = directory
        self._environment = {**os.environ, **environment}
        self._stderr = directory.with_name(f"{directory.name}.stderr")

    def __enter__(self) -> Self:
        with self._stderr.open("ab") as stderr:
            self._bash = subprocess.Popen(
                ["bash"],  # noqa: S607 (the shell that is there)
                cwd=self._directory,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.killpg(self._bash.pid, signal.SIGKILL)
        with self._bash:
            pass

    def run(self, command: str) -> Done:
        """Type a command. Return its output once it has ended or is in the background."""
        assert self._bash.stdin
        assert self._bash.stdout
        before = self._stderr.stat().st_size
        self._bash.stdin.write(f"{command}\ncode=$?; echo; echo '{_END}'; echo $code; (exit $code)\n")
        self._bash.stdin.flush()
        printed = "".join(takewhile(f"{_END}\n".__ne__, self._bash.stdout))
        code = int(self._bash.stdout.readline())
        return Done(printed, self._stderr.read_bytes()[before:].decode(errors="replace"), code)
