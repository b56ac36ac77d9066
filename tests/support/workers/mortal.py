"""Worker that dies, as if killed, at the point named on its command line. Its transactions are small."""

import os
import signal
import sys
from functools import partialmethod
from importlib import import_module
from itertools import count
from typing import Any

from aiokafka import AIOKafkaConsumer

from app.streams.parking import guard as intake
from app.streams.parking import release
from app.streams.recovery import changelog_rebuild as rebuild
from app.streams.topology import WriteTopology
from tests.support.workers.points import POINTS, REBUILD, RECORDS, RELEASED, WAKING, Point


def arm(point: Point) -> None:
    """Kill the process at the point's call."""
    if point.since is not None:
        arm_since(point.since, point._replace(since=None))
        return
    original, calls = getattr(point.owner, point.name), count(1)

    def before(*words: Any, **named: Any) -> Any:  # noqa: ANN401 (stands for any function)
        if next(calls) == point.call:
            die()
        return original(*words, **named)

    async def after(*words: Any, **named: Any) -> Any:  # noqa: ANN401 (as above)
        result = await original(*words, **named)
        if next(calls) == point.call:
            die()
        return result

    setattr(point.owner, point.name, after if point.after else before)


def arm_since(first: Point, then: Point) -> None:
    """Arm `then` once `first` has been called."""
    original, calls = getattr(first.owner, first.name), count(1)

    def armed(*words: Any, **named: Any) -> Any:  # noqa: ANN401 (as above)
        if next(calls) == first.call:
            arm(then)
        return original(*words, **named)

    setattr(first.owner, first.name, armed)


def die() -> None:
    """Kill the process: nothing is closed, flushed or logged."""
    os.kill(os.getpid(), signal.SIGKILL)


intake.TRANSACTION_RECORDS = rebuild.CHUNK = RECORDS  # type: ignore[attr-defined]  # it is imported there
release.RECORDS = RELEASED
AIOKafkaConsumer.getmany = partialmethod(AIOKafkaConsumer.getmany, max_records=RECORDS)
if sys.argv[1] in REBUILD:
    WriteTopology.fingerprint = property(lambda _side: "another")  # type: ignore[assignment,method-assign]  # of code that folds events differently
arm(POINTS[sys.argv[1]])
sys.exit(import_module("app.worker" if sys.argv[1] in WAKING else "bench.alone").run_worker(accept_loss=False))  # only sagas have timers
