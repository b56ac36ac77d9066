"""A detached process stands on its own."""

import os
from pathlib import Path

from app.broker.process import kill, runs, spawn


def test_a_process_that_outlives_its_starter_holds_none_of_its_files(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(lock, True)  # noqa: FBT003 (its own signature)
    pid = spawn(["/bin/sleep", "60"], os.environ, tmp_path / "output")
    try:
        assert runs(pid, ["60"])

        assert {file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()} == {Path(os.devnull), tmp_path / "output"}
    finally:
        kill(pid)
        os.close(lock)
