"""A shell as somebody has it open: one process, with its variables and its jobs in the background."""

import os
import signal
import subprocess
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

_END = "--- that was all ---"


class Done(NamedTuple):
    """What a command printed, what was said on stderr meanwhile, by jobs in the background and bash itself too, and its exit code."""

    printed: str
    aside: str
    code: int


class Shell:
    """`with Shell(directory, environment) as shell`; at the end all that still runs in the background is killed.

    What is said on stderr is in a file beside the directory.
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
        """Type a command; what came of it, once it has ended or is in the background."""
        assert self._bash.stdin
        assert self._bash.stdout
        before = self._stderr.stat().st_size
        self._bash.stdin.write(f"{command}\ncode=$?; echo; echo '{_END}'; echo $code; (exit $code)\n")
        self._bash.stdin.flush()
        printed = "".join(takewhile(f"{_END}\n".__ne__, self._bash.stdout))
        code = int(self._bash.stdout.readline())
        return Done(printed, self._stderr.read_bytes()[before:].decode(errors="replace"), code)
