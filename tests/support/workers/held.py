"""A worker that makes a table anew, or releases parked records, no further than its beginning while a file is in its data directory.

Builds wait once they have taken some of what they fetched, releases once two transactions are through.
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
    """Fetch as ever; wait where something that was fetched is left to be taken."""
    if any(source._waiting.values()):  # noqa: SLF001 (nobody else knows)
        await _until_let_go()
    await _fill(source)


async def follow(releases: ParkedReleaser) -> None:
    """Release as ever; wait after the first few."""
    if next(_calls) >= RELEASED:
        await _until_let_go()
    await _follow(releases)


if __name__ == "__main__":
    BuildSource.fill, ParkedReleaser.follow = fill, follow  # type: ignore[method-assign,assignment]  # functions are as good
    sys.exit(run_worker(accept_loss=False))
