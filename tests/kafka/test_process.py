"""A detached process stands on its own."""

import os
from pathlib import Path

from app.broker.process import kill, runs, spawn
from tests.waiting import until


async def test_a_process_that_outlives_its_starter_holds_none_of_its_files(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)
    pid = spawn(["/bin/sleep", "60"], os.environ, tmp_path / "output")
    try:
        await until(lambda: runs(pid, ["60"]), within_s=10)

        assert {os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()} == {os.devnull, str(tmp_path / "output")}
    finally:
        kill(pid)
        os.close(lock)
