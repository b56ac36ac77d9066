"""Negative controls: the protocol without one of its mechanisms, which the exploration must detect."""

from collections.abc import Iterator
from typing import ClassVar

from tests.model.broker import PARTITIONS, End, Marker, Produce, Request
from tests.model.protocol import Kernel
from tests.model.rows import Draft
from tests.model.worker import Fetched, Phase, Transaction, Worker
from tests.model.world import World


class PositionBeforeFence(Kernel):
    """Reads the changelog, and the position in it, before the former owner is fenced. Reads are off: they would fail before the log does."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "restoring", "fencing", "asking again", "claiming", "open")

    def serves(self, worker: Worker) -> bool:
        del worker
        return False


class StoreBeforeCommit(Kernel):
    """Writes rows to disk when they are in the log, but not committed yet."""

    def answered(self, world: World, number: int, worker: Worker, request: Request) -> World:
        """Write the store after the answer to the last Produce."""
        after = super().answered(world, number, worker, request)
        transaction = after.workers[number].transaction
        if transaction is None or transaction.refused or len(transaction.acknowledged) < len(PARTITIONS):
            return after
        return after.with_worker(number, self.stored(after, after.workers[number]))


class PositionOutside(Kernel):
    """Keeps the position out of the rows: it is committed to the group, right after the transaction."""

    def begun(self, worker: Worker, draft: Draft, taken: tuple[int, ...] = (), *, too_large: bool = False) -> Worker:
        changes = tuple(change for change in draft.changes if change[0] != "position")
        return super().begun(worker, draft._replace(changes=changes), taken, too_large=too_large)

    def write(self, world: World, number: int) -> World:
        after = super().write(world, number)
        return after._replace(group=after.group._replace(offset=after.workers[number].position))

    def position(self, world: World, worker: Worker) -> int:
        del worker
        return world.group.offset


class RefusalIgnored(Kernel):
    """Commits a transaction although one of its batches was refused."""

    def verdict(self, transaction: Transaction) -> Marker:
        del transaction
        return "commit"


class FetchedKept(Kernel):
    """Processes after a take-over what was fetched before it."""

    def current(self, worker: Worker) -> tuple[Fetched, ...]:
        return worker.fetched


class NothingRemembered(Kernel):
    """Does not remember the ids of commands."""

    window = 0


class EndRetried(Kernel):
    """Repeats an unanswered EndTxn in its epoch."""

    def silent(self, worker: Worker, request: Request) -> Iterator[tuple[str, Worker]]:
        if isinstance(request, End):
            yield "it is sent again", worker
        else:
            yield from super().silent(worker, request)


class AbortedUnanswered(Kernel):
    """Aborts a transaction after an unanswered Produce, and continues in its epoch."""

    def silent(self, worker: Worker, request: Request) -> Iterator[tuple[str, Worker]]:
        if isinstance(request, Produce) and worker.transaction:
            yield "the transaction will be aborted", worker._replace(transaction=worker.transaction._replace(acknowledged=PARTITIONS, refused=True))
        else:
            yield from super().silent(worker, request)

    def aborted(self, worker: Worker) -> Worker:
        return worker._replace(transaction=None, transactions=worker.transactions + 1)


class GroupNotAsked(Kernel):
    """Fences without asking the group."""

    def confirmed(self, world: World, worker: Worker) -> bool:
        del world, worker
        return True


class GroupNotAskedAgain(Kernel):
    """Asks the group only before it fences."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "fencing", "restoring", "claiming", "open")


class StaleReader(Kernel):
    """Answers reads however long ago the last heartbeat was answered."""

    def serves(self, worker: Worker) -> bool:
        return worker.phase == "open"


class GenerationsMissed(Kernel):
    """Keeps a task open whose partition is assigned again, even if the worker missed a generation."""

    def kept(self, world: World, worker: Worker) -> bool:
        del world
        return worker.phase != "closed"
