"""Worker with one mechanism switched off, which its command line names. Negative controls run it."""

import asyncio
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from unittest.mock import ANY

from fastapi import Request, Response
from faust.types import TP

from app.domain.order_fulfilment import evolve as fold
from app.settings import Settings
from app.streams.kafka.reader import reader
from app.streams.runtime import task_manager as tasks
from app.streams.runtime.group_offsets import GroupOffsetReporter
from app.streams.runtime.log_watch import LogWatch
from app.streams.runtime.task_manager import TaskManager
from app.streams.runtime.transport import Consumer
from app.streams.tasks.ownership import PartitionOwners
from app.streams.tasks.task import Task
from app.streams.timers.unread_commands import Unread
from app.web.gateway import consistency as fresh
from app.web.gateway import end_offsets as ends
from app.web.http import problems as problem
from app.web.http import protocol
from app.web.http import request_body as body
from app.web.http.public_url import PublicUrl
from app.web.queries import event_pages as log_pages
from app.web.queries.event_stream import OrderEventStream, Seen
from schemas import order


def _directory_lock() -> None:
    """Let every process use the directory."""
    from app import worker as main  # noqa: PLC0415 (it declares the routes, which `documentation` must come before)

    def lock(directory: Path) -> IO[str]:
        directory.mkdir(parents=True, exist_ok=True)
        return (directory / "lock").open("w")

    main.lock = lock  # type: ignore[attr-defined]  # it is imported there


def _start_check() -> None:
    """Start whatever topics there are."""
    from app import worker as main  # noqa: PLC0415 (as above)

    async def accept(_settings: Settings) -> None:
        """Accept any topics."""

    main.refuse_start = accept  # type: ignore[attr-defined,assignment]  # it is imported there


def _environment() -> None:
    """Start whichever environment the topics belong to."""
    from app import worker as main  # noqa: PLC0415 (as above)

    async def accept(_settings: Settings) -> None:
        """Accept topics of another environment."""

    main.claim = accept  # type: ignore[attr-defined,assignment]  # it is imported there


def _incomplete() -> None:
    """Start whatever topics there are, and ignore partitions that are assigned for some topics only without a log line."""
    _start_check()
    complete = TaskManager._complete  # noqa: SLF001 (a control replaces what is inside)

    def silent(self: TaskManager, assigned: set[TP], wanted: set[str]) -> set[int]:
        found = complete(self, assigned, wanted)
        self._incomplete.clear()
        return found

    TaskManager._complete = silent  # type: ignore[method-assign]  # noqa: SLF001 (as above)


def _kept_at_stop() -> None:
    """Leave positions at the last records when the worker exits, and commit none before."""

    async def settle(self: GroupOffsetReporter) -> None:
        await asyncio.gather(*(task.settle() for task in self._tasks()))

    tasks.GROUP_EVERY_S = 1_000_000
    GroupOffsetReporter.settle = settle  # type: ignore[method-assign]  # a control replaces what is inside


def _log_watch() -> None:
    """Never look at the log again once a task is open."""

    async def look(_self: LogWatch, _consumer: object) -> None:
        """Do nothing."""

    LogWatch._look = look  # type: ignore[assignment,method-assign]  # noqa: SLF001 (a control replaces what is inside)


def _lease() -> None:
    """Treat an assigned partition as owned for ever."""
    Consumer.certain = lambda self, generation: True  # type: ignore[method-assign]  # noqa: ARG005 (mypy compares the names)


def _mark() -> None:
    """Accept any program at a worker's URL as that worker."""
    PartitionOwners.mark = lambda self, owner: ANY  # type: ignore[method-assign]  # noqa: ARG005 (mypy compares the names)


def _pages() -> None:
    """Return the beginning of a page as its end."""
    scan = log_pages._scan  # noqa: SLF001 (a control replaces what is inside)

    async def stays(consumer: Any, where: Any, offset: int, end: int, page: log_pages.PageBuilder, settings: Settings) -> int:  # noqa: ANN401, PLR0913, PLR0917 (as it is there)
        await scan(consumer, where, offset, end, page, settings)
        return offset

    log_pages._scan = stays  # noqa: SLF001 (as above)


def _deadlines() -> None:
    """Let a body take for ever."""
    body.BODY_S = 1_000_000


def _documentation() -> None:
    """Document no errors of routes."""
    problem.documented = lambda **_: {}


def _bound() -> None:
    """Let orders cost more than can be paid, as an earlier version did."""
    order.MOST_MONEY = 10**21  # type: ignore[attr-defined]  # it is imported there


def _freshness() -> None:
    """Answer reads without waiting for the version of their token."""
    fresh.least_version = lambda *_: 0


def _doubt() -> None:
    """Treat a step that timed out for good as never done."""
    fold.in_doubt = lambda failed: False  # noqa: ARG005 (mypy compares the names)


def _read_up_to() -> None:
    """Put positions behind the last record, and ends at the last stable offset."""
    Task.read_up_to = lambda self, *_: self._offsets()  # type: ignore[method-assign]
    ends.reader = lambda bootstrap, **_: reader(bootstrap)  # type: ignore[attr-defined]  # it is imported there


def _public_locations() -> None:
    """Return locations as those of a worker at the root of a host."""
    PublicUrl._public = lambda self, location: location  # type: ignore[method-assign]  # noqa: ARG005, SLF001 (mypy compares the names)


def _waiting_streams() -> None:
    """Refuse a stream while its order does not exist."""
    stream = OrderEventStream.stream

    async def at_once(self: OrderEventStream, request: Request, order_id: str, seen: Seen, wait_s: int) -> Response:
        await fresh.fresh(request, "Order", order_id, lambda: self._version(order_id) or None, lambda version: version)
        return await stream(self, request, order_id, seen, wait_s)

    OrderEventStream.stream = at_once  # type: ignore[method-assign]


def _unread() -> None:
    """Let a step of a saga time out whether or not its command was read."""
    Unread.holds = lambda *_: False  # type: ignore[method-assign]


def _protocol() -> None:
    """Answer only what each route declares."""
    protocol.install = lambda web: None  # noqa: ARG005 (mypy compares the names)


OFF: dict[str, Callable[[], None]] = {
    "bound": _bound,
    "deadlines": _deadlines,
    "directory-lock": _directory_lock,
    "documentation": _documentation,
    "doubt": _doubt,
    "environment": _environment,
    "freshness": _freshness,
    "incomplete": _incomplete,
    "kept-at-stop": _kept_at_stop,
    "lease": _lease,
    "log-watch": _log_watch,
    "mark": _mark,
    "pages": _pages,
    "public-locations": _public_locations,
    "protocol": _protocol,
    "read-up-to": _read_up_to,
    "unread": _unread,
    "start-check": _start_check,
    "waiting-streams": _waiting_streams,
}

if __name__ == "__main__":
    OFF[sys.argv[1]]()
    program = sys.argv[2] if len(sys.argv) > 2 else "bench.alone"
    sys.argv = [program, *sys.argv[3:]]
    runpy.run_module(program, run_name="__main__")
