"""The end of each log of record behind a task's last transaction: the log has become another, or was cut short, if it ends before that.

A task alone writes to its partition of the logs, so it foresees where its transaction ends, and keeps that in a row of the same transaction.
"""

from collections.abc import Mapping

from aiokafka import TopicPartition

from app.streams.errors import DataLossDetected
from app.streams.state.store import StateStore
from app.streams.state.table import Table

MARKER = 1
"""Offsets that the marker of a commit takes in each partition of its transaction.

A broker that was killed writes the last ones once it runs again, or never: a coordinator that finds a partition without a leader leaves its marker out. The
records are there, and the marker of the next transaction decides them, too. So a log that lacks no more than that has lost nothing, and goes on.
"""

log_ends = Table[int](None, name="log-end", value_type=int)
"""By log (its name on the broker); the identity row has the topic's id."""


class LogEnds:
    """The ends of one task's partition of the logs of record."""

    def __init__(self, ends: Mapping[TopicPartition, int]) -> None:
        """`ends` is what the broker says while no transaction of the task is open."""
        self._ends = dict(ends)

    def lost(self, store: StateStore) -> str | None:
        """What these rows know of and the broker's logs no longer have, or None."""
        kept = ((where, log_ends.committed(store, where.topic) or 0) for where in self._ends)
        return next((_cut(where, self._ends[where], end) for where, end in kept if end - MARKER > self._ends[where]), None)

    def foresee(self, records: Mapping[TopicPartition, int]) -> None:
        """Put the ends into the open transaction that it will leave, by the number of records that it writes to each partition."""
        for where in self._ends.keys() & records.keys():
            log_ends[where.topic] = self._ends[where] + records[where] + MARKER

    def keep(self) -> None:
        """Put the ends into the open transaction as they are."""
        for where, end in self._ends.items():
            log_ends[where.topic] = end

    def check(self, bases: Mapping[TopicPartition, int]) -> None:
        """Compare with the offsets that the broker gave to the first batches of a transaction; DataLossDetected when one lies below the end."""
        for where in self._ends.keys() & bases.keys():
            if bases[where] < self._ends[where] - MARKER:
                raise DataLossDetected(_cut(where, bases[where], self._ends[where]))

    def reached(self, ends: Mapping[TopicPartition, int]) -> None:
        """Go on behind the records of a transaction that was committed."""
        for where in self._ends.keys() & ends.keys():
            self._ends[where] = ends[where] + MARKER

    @property
    def written(self) -> dict[TopicPartition, int]:
        """The ends that the broker has for certain: the marker of the last commit may be on its way."""
        return {where: end - MARKER for where, end in self._ends.items()}


def _cut(where: TopicPartition, end: int, expected: int) -> str:
    return (
        f"{where.topic} [{where.partition}] ends at {end}, below {expected}, the end behind the last transaction of this task: the end of the log of record is "
        "lost, or it was created again. Nothing of what is kept here was changed: restore the log, or start with --accept-loss to go on with what is there"
    )
