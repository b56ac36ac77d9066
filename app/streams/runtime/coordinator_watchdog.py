"""Watchdog for the group coordinator. If the broker answers but the group has not confirmed this worker for 120 s, log what the consumer waits for and exit.

Without an exit its partitions would stand still.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

from aiokafka.client import CoordinationType
from aiokafka.errors import KafkaError

from app.streams.runtime.membership import Membership, die, routines

log = logging.getLogger(__name__)

SILENT_S = 120.0
"""Time without confirmation before the worker exits. Longer than a rebalance with slow members, and than a broker needs to load its groups (seconds)."""

ANSWER_S = 5.0


class CoordinatorWatchdog:
    """Watchdog, checked about once a second in the thread of the consumer."""

    def __init__(self, membership: Membership, coordinator: Any) -> None:  # noqa: ANN401 (aiokafka has no types)
        self._membership = membership
        self._coordinator = coordinator
        self._heard_s = _now_s()

    async def check(self, *, refused: bool = False) -> None:
        """Exit if the group has confirmed nothing for too long although the broker answers. A worker that is `refused` knows the reason and stays."""
        if self._membership.settled or refused:
            self._heard_s = _now_s()
        elif _now_s() - self._heard_s > SILENT_S:
            self._heard_s = _now_s()
            if await self._answered():
                die(f"its group has not confirmed it for {SILENT_S:.0f} s, and the broker answers; {'; '.join(self._waits())}")

    async def _answered(self) -> bool:
        """Return True if the broker names the group's coordinator. An outage is no reason to exit."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._coordinator._client.coordinator_lookup(CoordinationType.GROUP, self._coordinator.group_id)  # noqa: SLF001 (aiokafka shows no client)
        except (KafkaError, TimeoutError, AssertionError):  # an AssertionError means that no broker is known
            return False
        return True

    def _waits(self) -> Iterator[str]:
        """Yield the call stack in which each of the consumer's routines waits, outermost call first."""
        for name, task in routines(self._coordinator):
            yield f"{name} waits in {' > '.join(_calls(task))}" if task is not None else f"{name} is gone"


def _calls(task: "asyncio.Task[None]") -> list[str]:
    waiting: Any = task.get_coro()
    calls = list[str]()
    while (frame := getattr(waiting, "cr_frame", None)) is not None:
        calls.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        waiting = getattr(waiting, "cr_await", None)
    return calls


def _now_s() -> float:
    return asyncio.get_running_loop().time()
