"""Worker with its one task, as a value: its memory and its disk."""

from typing import Literal, NamedTuple

from tests.model.broker import Batch
from tests.model.rows import Draft, Rows, row

Phase = Literal["closed", "asking", "fencing", "asking again", "restoring", "claiming", "open"]
"""Phase of a task. It is `closed` until it learns that it owns the partition; `asking` means asking the group to confirm that."""

TRANSACTION_RECORDS = 2
"""Largest number of records in one transaction."""


class Fetched(NamedTuple):
    """Records fetched under one incarnation of the task."""

    opening: int
    offsets: tuple[int, ...]


class Transaction(NamedTuple):
    """Open transaction: `acknowledged` are the partitions whose Produce was answered, `taken` the offsets of its commands."""

    stage: Literal["add", "produce", "write"]
    taken: tuple[int, ...]
    draft: Draft
    batches: tuple[Batch, Batch]
    acknowledged: tuple[int, ...] = ()
    refused: bool = False


class Worker(NamedTuple):
    """Worker, of which `rows` and `offset_next` are on disk, and the rest is lost with the process."""

    rows: Rows = ()
    offset_next: int = 0
    """Offset of the changelog up to which `rows` are restored."""
    phase: Phase = "closed"
    generation: int = -1
    lease: bool = False
    """True if a heartbeat was answered in this generation, and no session has passed since."""
    epoch: int = -1
    transactions: int = 0
    """Number of transactions in this epoch: the sequence number of the next batches."""
    opening: int = 0
    position: int = 0
    fetch_next: int = 0
    fetched: tuple[Fetched, ...] = ()
    transaction: Transaction | None = None
    limit: int = TRANSACTION_RECORDS
    condemned: tuple[int, ...] = ()

    @property
    def row_position(self) -> int:
        """Input position, as the rows on disk have it."""
        return row(self.rows, "position") or 0


def renewed(worker: Worker) -> Worker:
    """Begin another incarnation. The task's batch is dropped, and batches under way bear the old number."""
    return worker._replace(opening=worker.opening + 1, fetched=worker.fetched[1:])


def closed(worker: Worker, phase: Phase = "closed") -> Worker:
    """Close the incarnation: nothing of it is used again, neither overlay nor producer."""
    ended = renewed(worker) if worker.phase == "open" else worker
    return ended._replace(phase=phase, transaction=None, lease=worker.lease and phase != "closed")


def failed(worker: Worker) -> Worker:
    """Restart the task after an unknown outcome or a refusal. Its next transaction carries half as much."""
    taken = worker.transaction.taken if worker.transaction else ()
    return closed(worker, "asking")._replace(limit=max(1, len(taken) // 2) if taken else worker.limit)


def killed(worker: Worker, *, disk_lost: bool) -> Worker:
    """Kill the process and start it again, perhaps on another machine."""
    return Worker() if disk_lost else Worker(worker.rows, worker.offset_next)
