"""Wakes sleepers when their timers are due, in bounded transactions: the row of each timer goes with what its waking causes.

The worker's clock says only when to look: a sleeper is told the due time. The order of due times follows from committed rows alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from app import clock
from app.kernel.outcome import StoreFailed, UnreadableLog
from app.kernel.ports import Sleeper
from app.kernel.processor import TURN_RECORDS
from app.kernel.schedule import Schedule
from app.kernel.setbacks import Setbacks, Woken
from app.kernel.timers import cancel_timer, names, open_timers, timers
from app.kernel.unit import UnitOfWork

log = logging.getLogger(__name__)

LOOK_AGAIN_S = 60.0
"""A clock that is set while a task is idle is noticed within this time (seconds)."""

Commit = Callable[[Setbacks, Sequence[Woken], float], Awaitable[None]]
"""Commits what waking these caused, from a monotonic time on, and tells the setbacks how it ended."""


class Alarms:
    """One opening's; `due` also sees to it that an idle task is woken in time."""

    def __init__(self, unit: UnitOfWork, sleepers: Mapping[str, Sleeper], setbacks: Setbacks, commit: Commit, wake: Callable[[], None]) -> None:
        """`sleepers` are the agents by name, `wake` ends the idleness of the task."""
        self._unit = unit
        self._sleepers = sleepers
        self._setbacks = setbacks
        self._commit = commit
        self._wake_task = wake
        self._bell: asyncio.TimerHandle | None = None
        self._schedule = Schedule()
        unit.timed.clear()
        for timer, due_ms in open_timers(unit.rows.store):
            self._schedule.put(timer, setbacks.when_ms(timer, due_ms))

    def due(self) -> bool:
        """True if it is time to wake somebody; if not, the task will be woken when it is."""
        self._follow()
        self.close()
        if self._schedule.next_ms is None:
            return False
        wait_ms = self._schedule.next_ms - clock.now_ms()
        if wait_ms > 0:
            self._bell = asyncio.get_running_loop().call_later(min(wait_ms / 1000, LOOK_AGAIN_S), self._wake_task)
        return wait_ms <= 0

    async def ring(self) -> None:
        """Wake those whose time has come, as many as one transaction may carry."""
        self._follow()
        began_s, now_ms, woken = monotonic(), clock.now_ms(), list[Woken]()
        for number, timer in enumerate(self._taken(now_ms), 1):
            woken += self._wake(timer, now_ms)
            if number % TURN_RECORDS == 0:
                await asyncio.sleep(0)
        if woken:
            await self._commit(self._setbacks, woken, began_s)

    def close(self) -> None:
        """Wake the task no more."""
        if self._bell is not None:
            self._bell.cancel()
            self._bell = None

    def _follow(self) -> None:
        """Look again at the rows that changed, now that they are committed, or are not."""
        for timer in self._unit.timed:
            row = timers.get(timer)
            self._schedule.put(timer, self._setbacks.when_ms(timer, row.due_ms if row else None))
        self._unit.timed.clear()

    def _taken(self, now_ms: int) -> list[str]:
        """The timers of one transaction, in the order of their due times."""
        taken = list[str]()
        while (timer := self._schedule.first(now_ms)) is not None and self._joins(taken, timer):
            self._schedule.put(timer, None)
            taken.append(timer)
        return taken

    def _joins(self, taken: list[str], timer: str) -> bool:
        """True if there is room for one more; one that must be alone joins nobody."""
        return not taken or (len(taken) < self._setbacks.limit and not self._setbacks.alone(timer) and not self._setbacks.alone(taken[0]))

    def _wake(self, timer: str, now_ms: int) -> list[Woken]:
        """Wake one sleeper; nothing is woken if somebody else in this transaction has cancelled or set its timer anew, or if the sleeper raises."""
        row = timers.get(timer)
        if row is None or row.due_ms > now_ms:
            return []
        woken, (agent, key) = Woken(timer, row.due_ms), names(timer)
        self._unit.mark()
        try:
            cancel_timer(agent, key)
            self._sleepers[agent].wake(key, row.due_ms)
        except (StoreFailed, UnreadableLog):
            raise
        except Exception as error:
            self._unit.rollback()
            log.exception("%s raised when it was woken for %s", agent, key)
            self._setbacks.postpone(woken, repr(error))
            return []
        return [woken]
