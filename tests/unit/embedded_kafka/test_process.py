"""Detached process: it shares no file with its starter."""

import os
from pathlib import Path

import psutil

from app.embedded_kafka.process import kill, runs, spawn
from tests.support.waiting import until


async def test_a_process_that_outlives_its_starter_holds_none_of_its_files(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)  # noqa: FBT003 (its own signature)
    pid = spawn(["/bin/sleep", "60"], os.environ, tmp_path / "output")
    try:
        assert runs(pid, ["60"])
        await until(lambda: psutil.Process(pid).status() == psutil.STATUS_SLEEPING, within_s=60)  # before that, it reads files of its own

        assert _files(pid) == {Path(os.devnull), tmp_path / "output"}
    finally:
        kill(pid)
        os.close(lock)


def _files(pid: int) -> set[Path]:
    """Return the files that a process has open."""
    return {file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()}
