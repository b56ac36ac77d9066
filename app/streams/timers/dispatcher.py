"""Dispatcher of due timers. Each transaction fires a bounded number of timers, deletes their rows and writes what their handlers produced.

Due times are compared with the append time of a tick that was read back (`ticks.py`), never with a worker's clock. A timer whose handler waits for the result
of a command is put off until the group has read that command (`unread_commands.py`). The order of due times follows from committed rows alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic

from aiokafka.errors import KafkaError

from app.streams.errors import StateStoreError, TransactionRejected, UnreadableLog
from app.streams.processing.handlers import TimerHandler
from app.streams.processing.limits import TURN_RECORDS
from app.streams.processing.unit_of_work import TransactionalUnitOfWork
from app.streams.timers.backoff import FiredTimer, TimerBackoff
from app.streams.timers.schedule import TimerQueue
from app.streams.timers.ticks import Ticks
from app.streams.timers.timers import cancel_timer, names, open_timers, timers
from app.streams.timers.unread_commands import Ends, Unread

log = logging.getLogger(__name__)

EVERY_S = 1.0
"""Shortest interval at which the task asks for the time and for the group's positions (seconds)."""

SELDOM_S = 60.0
"""Longest interval while the brokers do not answer (seconds).

While a timer is open, the task asks for the time at least this often, because the brokers' clock may have been set.
"""

ANSWER_S = 3.0
"""Time limit for the group's answer (seconds). Meanwhile the task does nothing else."""

Commit = Callable[[TimerBackoff, Sequence[FiredTimer], float], Awaitable[None]]
"""Commit of what these timers caused, from a monotonic time on. It reports the outcome to the back-off."""


class TimerDispatcher:
    """Dispatcher of the timers of one incarnation of a task. `due` also schedules the wake-up of an idle task."""

    def __init__(  # noqa: PLR0913, PLR0917 (all that a firing timer touches)
        self,
        unit: TransactionalUnitOfWork,
        sleepers: Mapping[str, TimerHandler],
        setbacks: TimerBackoff,
        commit: Commit,
        wake: Callable[[], None],
        ticks: Ticks,
        unread: Unread,
    ) -> None:
        """Queue the open timers. `sleepers` are the timer handlers by agent name; `wake` wakes an idle task."""
        self._unit = unit
        self._sleepers = sleepers
        self._setbacks = setbacks
        self._commit = commit
        self._wake_task = wake
        self._ticks = ticks
        self._unread = unread
        self._bell: asyncio.TimerHandle | None = None
        self._now_ms: int | None = None
        self._asked_s = 0.0
        self._pause_s = 0.0
        self._written: dict[str, Ends] = {}
        self._schedule = TimerQueue()
        unit.timed.clear()
        for timer, due_ms in open_timers(unit.rows.store):
            self._schedule.put(timer, setbacks.when_ms(timer, due_ms))

    def due(self) -> bool:
        """Return whether there is something to do about timers now. If not, schedule the wake-up of the task for when there is."""
        self._follow()
        self.close()
        wait_s = self._wait_s()
        if wait_s is not None and wait_s > 0:
            self._bell = asyncio.get_running_loop().call_later(wait_s, self._wake_task)
        return wait_s is not None and wait_s <= 0

    async def ring(self) -> None:
        """Fire due timers, as many as one transaction may carry. If none is left, ask for the time if it is needed."""
        self._follow()
        if self._now_ms is None:
            self._now_ms = self._ticks.take()
        if self._now_ms is not None and self._schedule.first(self._now_ms) is not None:
            await self._wake_due(self._now_ms)
            return
        self._now_ms = None
        wait_s = self._wait_s()
        if wait_s is not None and wait_s <= 0:
            await self._ask()

    def close(self) -> None:
        """Cancel the scheduled wake-up of the task."""
        if self._bell is not None:
            self._bell.cancel()
            self._bell = None

    def _wait_s(self) -> float | None:
        """Return the seconds for which nothing has to be done about timers; None: until a record arrives or a timer is set."""
        if self._now_ms is not None or self._ticks.read:
            return 0.0
        if self._ticks.awaited or not (self._unread or self._schedule.next_ms is not None):
            return None
        return max(self._pause_s - (monotonic() - self._asked_s), 0.0 if self._unread else self._tick_wait_s())

    def _tick_wait_s(self) -> float:
        """Return the seconds for which no tick is needed."""
        next_ms, since_s = self._schedule.next_ms, self._ticks.since_s()
        if next_ms is None or since_s is None:
            return SELDOM_S if next_ms is None else 0.0
        return min(self._ticks.wait_s(next_ms), SELDOM_S - since_s)

    async def _ask(self) -> None:
        """Ask how far the group has read. Then write a tick, if a timer may be due that is not put off."""
        self._asked_s = monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                released = await self._unread.ask()
        except (KafkaError, TimeoutError) as error:
            self._ask_later(error)
            return
        for timer in released:
            self._put(timer)
        try:
            if self._tick_wait_s() <= 0:
                await self._ticks.write()
        except TransactionRejected as error:
            self._ask_later(error)
        else:
            self._pause_s = EVERY_S

    def _ask_later(self, error: Exception) -> None:
        self._pause_s = min(2 * max(self._pause_s, EVERY_S), SELDOM_S)
        log.warning("timers wait, for the brokers do not say what time it is, or what the group has read; again in %d s: %r", self._pause_s, error)

    def _follow(self) -> None:
        """Queue the timers whose rows changed, now that the changes are committed or discarded."""
        if self._unit.timed:
            written = dict(self._unit.written)
            for timer in self._unit.timed:
                self._written[timer] = written
                self._put(timer)
            self._unit.timed.clear()

    def _put(self, timer: str) -> None:
        """Queue a timer as its row says; remove it if it has no row."""
        row = timers.get(timer)
        if row is None:
            self._written.pop(timer, None)
        self._schedule.put(timer, self._setbacks.when_ms(timer, row.due_ms if row else None))

    async def _wake_due(self, now_ms: int) -> None:
        began_s, woken = monotonic(), list[FiredTimer]()
        for number, timer in enumerate(self._taken(now_ms), 1):
            woken += self._wake(timer, now_ms)
            if number % TURN_RECORDS == 0:
                await asyncio.sleep(0)
        if woken:
            await self._commit(self._setbacks, woken, began_s)

    def _taken(self, now_ms: int) -> list[str]:
        """Take the timers of one transaction from the queue, in the order of their due times."""
        taken = list[str]()
        while (timer := self._schedule.first(now_ms)) is not None and self._joins(taken, timer):
            self._schedule.put(timer, None)
            taken.append(timer)
        return taken

    def _joins(self, taken: list[str], timer: str) -> bool:
        """Return whether there is room for one more timer. A timer that must be alone shares no transaction."""
        return not taken or (len(taken) < self._setbacks.limit and not self._setbacks.alone(timer) and not self._setbacks.alone(taken[0]))

    def _wake(self, timer: str, now_ms: int) -> list[FiredTimer]:
        """Fire one timer. Return nothing if it was cancelled or set again in this transaction, is put off, or its handler raised."""
        row = timers.get(timer)
        if row is None or row.due_ms > now_ms:
            return []
        woken, (agent, key) = FiredTimer(timer, row.due_ms, now_ms), names(timer)
        self._unit.mark()
        try:
            sleeper = self._sleepers[agent]
            if self._unread.holds(timer, sleeper.awaits(key), self._written.get(timer, {})):
                return []
            cancel_timer(agent, key)
            sleeper.wake(key, row.due_ms, now_ms)
        except (StateStoreError, UnreadableLog):
            raise
        except Exception as error:
            self._unit.rollback()
            log.exception("%s raised when it was woken for %s", agent, key)
            self._setbacks.postpone(woken, repr(error))
            self._put(timer)
            return []
        return [woken]
