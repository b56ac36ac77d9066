"""Detached processes, which outlive the process that starts them. A process id that another program reuses is never mistaken for one."""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from app.errors import FoldstreamError

POLL_S = 0.01
STARTING_POLLS = 200
"""Polls of a process that shows no command line yet: two seconds in all."""


def spawn(command: list[str], environment: Mapping[str, str], output: Path) -> int:
    """Start `command` in its own session and return its process id. The file `output` is emptied and receives stdout and stderr."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, str(output), flags, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)]
    files += [(os.POSIX_SPAWN_CLOSE, number) for number in _inherited()]
    return os.posix_spawn(command[0], command, environment, file_actions=files, setsid=True)


def _inherited() -> list[int]:
    """Return the descriptors that our parent left inheritable. One may be a lock of the parent, which a process that outlives us must not hold."""
    return [number for number in map(int, os.listdir("/dev/fd")) if number > 2 and _is_inheritable(number)]  # noqa: PLR2004, PTH208 (stderr; links to nowhere)


def _is_inheritable(number: int) -> bool:
    try:
        return os.get_inheritable(number)
    except OSError:  # the descriptor of the listing itself
        return False


def runs(pid: int, words: Sequence[str]) -> bool:
    """Return True while process `pid` runs and its command line ends in `words`. Unlike a start time, this survives a change of the clock."""
    try:
        command = _command(psutil.Process(pid))
    except psutil.Error:
        return False
    return command[-len(words) :] == list(words)


def _command(process: psutil.Process) -> list[str]:
    """Return the command line. A process shows none for a moment while it starts, and a zombie never shows one again."""
    for _ in range(STARTING_POLLS):
        command: list[str] = process.cmdline()
        if command or process.status() == psutil.STATUS_ZOMBIE:
            return command
        time.sleep(POLL_S)
    return []


def terminate(pid: int, patience_s: float) -> None:
    """Ask a process to end, kill it after `patience_s` seconds, and wait until it is gone."""
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(patience_s)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        kill(pid)


def kill(pid: int) -> None:
    """Kill a process, and wait until it is gone. Raise FoldstreamError if it does not end."""
    try:
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired as error:
        raise FoldstreamError(f"process {pid} does not end even when killed: look at it with `ps {pid}`") from error
