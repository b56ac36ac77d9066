"""A worker with its one task, as a value: what is in its memory and on its disk."""

from typing import Literal, NamedTuple

from tests.model.broker import Batch
from tests.model.rows import Draft, Rows, row

Phase = Literal["closed", "asking", "fencing", "asking again", "restoring", "claiming", "open"]
"""It is `closed` until it learns that the partition is its own; `asking` is for the group, whether that still holds."""

TRANSACTION_RECORDS = 2
"""The most records one transaction carries."""


class Fetched(NamedTuple):
    """Records fetched under one opening of the task."""

    opening: int
    offsets: tuple[int, ...]


class Transaction(NamedTuple):
    """What a task has in hand: `acknowledged` are the partitions whose Produce was answered, `taken` the offsets of commands it takes in."""

    stage: Literal["add", "produce", "write"]
    taken: tuple[int, ...]
    draft: Draft
    batches: tuple[Batch, Batch]
    acknowledged: tuple[int, ...] = ()
    refused: bool = False


class Worker(NamedTuple):
    """`rows` and `offset_next` are on disk, the rest is gone with the process."""

    rows: Rows = ()
    offset_next: int = 0
    """That of the changelog which `rows` stand for."""
    phase: Phase = "closed"
    generation: int = -1
    lease: bool = False
    """A heartbeat was answered in this generation, and no session has passed since."""
    epoch: int = -1
    transactions: int = 0
    """In this epoch: the sequence number of the next batches."""
    opening: int = 0
    position: int = 0
    fetch_next: int = 0
    fetched: tuple[Fetched, ...] = ()
    transaction: Transaction | None = None
    limit: int = TRANSACTION_RECORDS
    condemned: tuple[int, ...] = ()

    @property
    def row_position(self) -> int:
        """The input position, as the rows on disk say."""
        return row(self.rows, "position") or 0


def renewed(worker: Worker) -> Worker:
    """Another opening begins: the batch that the task has is dropped, those that are still on their way to it bear the old number."""
    return worker._replace(opening=worker.opening + 1, fetched=worker.fetched[1:])


def closed(worker: Worker, phase: Phase = "closed") -> Worker:
    """Nothing of the opening that ends is used again, overlay and producer neither."""
    ended = renewed(worker) if worker.phase == "open" else worker
    return ended._replace(phase=phase, transaction=None, lease=worker.lease and phase != "closed")


def failed(worker: Worker) -> Worker:
    """The outcome of the transaction is unknown, or it was refused: the task is taken over again, its next transaction carries half as much."""
    taken = worker.transaction.taken if worker.transaction else ()
    return closed(worker, "asking")._replace(limit=max(1, len(taken) // 2) if taken else worker.limit)


def killed(worker: Worker, *, disk_lost: bool) -> Worker:
    """The process is gone, and started again; perhaps on another machine."""
    return Worker() if disk_lost else Worker(worker.rows, worker.offset_next)
