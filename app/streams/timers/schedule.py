"""Queue of a task's open timers, by when the task has to look at them. It is in memory, and rebuilt from the timers' rows whenever the task opens."""

from heapq import heapify, heappop, heappush

SLACK = 1_000
"""Number of outdated entries, besides one per timer, above which the queue is rebuilt."""


class TimerQueue:
    """Timers by when to look at them (milliseconds since 1970). The latest time that was put for a timer counts."""

    def __init__(self) -> None:
        self._when: dict[str, int] = {}
        self._order: list[tuple[int, str]] = []

    def put(self, timer: str, when_ms: int | None) -> None:
        """Set the only time at which to look at a timer; None removes the timer."""
        if when_ms is None:
            self._when.pop(timer, None)
        elif self._when.get(timer) != when_ms:
            self._when[timer] = when_ms
            heappush(self._order, (when_ms, timer))
        if len(self._order) > 2 * len(self._when) + SLACK:
            self._order = [(when_ms, timer) for timer, when_ms in self._when.items()]
            heapify(self._order)

    @property
    def next_ms(self) -> int | None:
        """Time at which to look at the first timer; None when there is none."""
        while self._order and self._when.get(self._order[0][1]) != self._order[0][0]:
            heappop(self._order)
        return self._order[0][0] if self._order else None

    def first(self, now_ms: int) -> str | None:
        """Return the first timer, if it is time to look at it."""
        next_ms = self.next_ms
        return None if next_ms is None or next_ms > now_ms else self._order[0][1]
