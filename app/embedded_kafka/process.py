"""A detached process: it outlives whoever started it, and a process id used again by another program is never taken for it."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from app.errors import FoldstreamError

POLL_S = 0.01
STARTING_POLLS = 200
"""A process without a command line is asked again for two seconds."""


def spawn(command: list[str], environment: Mapping[str, str], output: Path) -> int:
    """Start `command` in a session of its own, stdout and stderr in the file `output` (emptied first); its process id."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)]
    files += [(os.POSIX_SPAWN_CLOSE, number) for number in _inherited()]
    return os.posix_spawn(command[0], command, environment, file_actions=files, setsid=True)


def _inherited() -> list[int]:
    """The files that whoever started us left open for our children, too, a lock of theirs among them: a process that outlives us must not hold it."""
    return [number for number in map(int, os.listdir("/dev/fd")) if number > 2 and _is_inheritable(number)]  # noqa: PLR2004, PTH208 (stderr; links to nowhere)


def _is_inheritable(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # that of the listing itself
        return False


def runs(pid: int, words: Sequence[str]) -> bool:
    """True while process `pid` lives and its command line ends in `words`: unlike a start time, that survives a change of the clock."""
    try:
        command = _command(psutil.Process(pid))
    except psutil.Error:
        return False
    return command[-len(words) :] == list(words)


def _command(process: psutil.Process) -> list[str]:
    """The command line; a process shows none for a moment while it is being started, and a zombie never shows one again."""
    for _ in range(STARTING_POLLS):
        command: list[str] = process.cmdline()
        if command or process.status() == psutil.STATUS_ZOMBIE:
            return command
        time.sleep(POLL_S)
    return []


def terminate(pid: int, patience_s: float) -> None:
    """Ask a process to end, make it after `patience_s` seconds, and wait until it is gone."""
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(patience_s)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        kill(pid)


def kill(pid: int) -> None:
    """End a process at once, and wait until it is gone."""
    try:
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise FoldstreamError(f"process {pid} does not end even when killed: look at it with `ps {pid}`") from error
