"""End of each log of record after a task's last transaction. A log that ends earlier was replaced or cut short.

Only this task writes to its partition of the logs, so it can predict where its transaction ends, and keeps that in a row of the same transaction.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition

from app.streams.errors import DataLossDetected
from app.streams.state.store import StateStore
from app.streams.state.table import Table

MARKER = 1
"""Offsets that the commit marker takes in each partition of its transaction.

A broker that was killed writes the last markers once it runs again, or never: a coordinator that finds a partition without a leader leaves its marker out.
The records are there, and the marker of the next transaction decides them, too. So a log that lacks no more than the marker has lost nothing, and the task
continues.
"""

log_ends = Table[int](None, name="log-end", value_type=int)
"""End offsets by log (its name on the broker). The identity row has the topic's id."""


class LogEnds:
    """Ends of one task's partition of the logs of record."""

    def __init__(self, ends: Mapping[TopicPartition, int]) -> None:
        """Take the ends that the broker reports while no transaction of the task is open."""
        self._ends = dict(ends)

    def lost(self, store: StateStore) -> str | None:
        """Describe a log that is shorter than these rows say, or return None."""
        kept = ((where, log_ends.committed(store, where.topic) or 0) for where in self._ends)
        return next((_cut(where, self._ends[where], end) for where, end in kept if end - MARKER > self._ends[where]), None)

    def foresee(self, records: Mapping[TopicPartition, int]) -> None:
        """Write the predicted ends into the open transaction, from the number of records that it writes to each partition."""
        for where in self._ends.keys() & records.keys():
            log_ends[where.topic] = self._ends[where] + records[where] + MARKER

    def keep(self) -> None:
        """Write the current ends into the open transaction."""
        for where, end in self._ends.items():
            log_ends[where.topic] = end

    def check(self, bases: Mapping[TopicPartition, int]) -> None:
        """Compare the ends with the offsets that the broker gave to the first batches of a transaction. Raises DataLossDetected when one lies below its end."""
        for where in self._ends.keys() & bases.keys():
            if bases[where] < self._ends[where] - MARKER:
                raise DataLossDetected(_cut(where, bases[where], self._ends[where]))

    def reached(self, ends: Mapping[TopicPartition, int]) -> None:
        """Move the ends behind the records of a committed transaction."""
        for where in self._ends.keys() & ends.keys():
            self._ends[where] = ends[where] + MARKER

    @property
    def written(self) -> dict[TopicPartition, int]:
        """Ends that the broker has for certain. The marker of the last commit may still be in flight."""
        return {where: end - MARKER for where, end in self._ends.items()}


def _cut(where: TopicPartition, end: int, expected: int) -> str:
    return (
        f"{where.topic} [{where.partition}] ends at {end}, below {expected}, the end behind the last transaction of this task: the end of the log of record is "
        "lost, or it was created again. Nothing of what is kept here was changed: restore the log, or start with --accept-loss to go on with what is there"
    )
