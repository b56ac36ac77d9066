"""Worker that pauses builds and releases at their beginning while a file is in its data directory.

Builds pause after some of the fetched events, releases after two transactions.
"""

import os
import sys
from itertools import count
from pathlib import Path

from app.streams.parking.release import ParkedReleaser
from app.streams.rebuild.build import BuildSource
from bench.alone import run_worker
from tests.support.waiting import until

PROGRAM = ("-m", "tests.support.workers.held")
FILE = "held"
RELEASED = 2

_fill, _follow, _calls = BuildSource.fill, ParkedReleaser.follow, count()


async def _until_let_go() -> None:
    await until(lambda: not (Path(os.environ["FOLDSTREAM_DATADIR"]) / FILE).exists(), within_s=600)


async def fill(source: BuildSource) -> None:
    """Fetch as usual, but wait once fetched events are left to be taken."""
    if any(source._waiting.values()):  # noqa: SLF001 (no public attribute says so)
        await _until_let_go()
    await _fill(source)


async def follow(releases: ParkedReleaser) -> None:
    """Release as usual, but wait after the first transactions."""
    if next(_calls) >= RELEASED:
        await _until_let_go()
    await _follow(releases)


if __name__ == "__main__":
    BuildSource.fill, ParkedReleaser.follow = fill, follow  # type: ignore[method-assign,assignment]  # functions are as good
    sys.exit(run_worker(accept_loss=False))
