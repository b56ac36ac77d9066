"""Worker that is notified of a rebalance after it closed its tasks in order to exit."""

import sys
from typing import Any

from app.streams.runtime.task_manager import TaskManager
from bench.alone import run_worker

_stop, _rebalance = TaskManager.on_stop, TaskManager.on_rebalance
_assigned: list[Any] = []


async def on_rebalance(tasks: TaskManager, *changes: Any, **named: Any) -> None:  # noqa: ANN401 (Faust's own signature)
    """Handle a rebalance as usual, and remember its assignment."""
    _assigned[:] = changes[:1]
    await _rebalance(tasks, *changes, **named)


async def on_stop(tasks: TaskManager) -> None:
    """Stop as usual, then handle a rebalance with the same assignment."""
    await _stop(tasks)
    await _rebalance(tasks, _assigned[0], set(), set(), tasks.generation + 1)
    print(f"{len(tasks._all())} tasks after the end")  # noqa: T201, SLF001 (what the test looks for)


TaskManager.on_rebalance, TaskManager.on_stop = on_rebalance, on_stop  # type: ignore[method-assign,assignment]  # functions are as good
sys.exit(run_worker(accept_loss=False))
