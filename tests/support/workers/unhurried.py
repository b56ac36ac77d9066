"""Worker that takes all the time it needs for what it may leave undone when it exits: `foldstream` without these time limits."""

import runpy

from app.streams.runtime import group_offsets
from app.streams.tasks import task, write_task

LONG_S = 60.0

group_offsets.MARKERS_S = task.SETTLE_S = write_task.DISCLAIM_S = LONG_S

if __name__ == "__main__":
    runpy.run_module("app", run_name="__main__")
