"""The kernel without one of its mechanisms: each of these must be found."""

from collections.abc import Iterator
from typing import ClassVar

from tests.model.broker import PARTITIONS, End, Marker, Produce, Request
from tests.model.protocol import Kernel
from tests.model.rows import Draft
from tests.model.worker import Fetched, Phase, Transaction, Worker
from tests.model.world import World


class PositionBeforeFence(Kernel):
    """The changelog, and the position in it, is read before the former owner is fenced; nobody reads, for that would be wrong before the log is."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "restoring", "fencing", "asking again", "claiming", "open")

    def serves(self, worker: Worker) -> bool:
        del worker
        return False


class StoreBeforeCommit(Kernel):
    """Rows are written to disk when they are in the log, but not committed yet."""

    def answered(self, world: World, number: int, worker: Worker, request: Request) -> World:
        """The answer to the last Produce is enough."""
        after = super().answered(world, number, worker, request)
        transaction = after.workers[number].transaction
        if transaction is None or transaction.refused or len(transaction.acknowledged) < len(PARTITIONS):
            return after
        return after.with_worker(number, self.stored(after, after.workers[number]))


class PositionOutside(Kernel):
    """The position is no row: it is committed to the group, right after the transaction."""

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
    """The transaction is committed although a batch of it was refused."""

    def verdict(self, transaction: Transaction) -> Marker:
        del transaction
        return "commit"


class FetchedKept(Kernel):
    """What was fetched before a take-over is processed after it."""

    def current(self, worker: Worker) -> tuple[Fetched, ...]:
        return worker.fetched


class NothingRemembered(Kernel):
    """Ids of commands are not remembered."""

    window = 0


class EndRetried(Kernel):
    """An EndTxn that is not answered is sent again in its epoch."""

    def silent(self, worker: Worker, request: Request) -> Iterator[tuple[str, Worker]]:
        if isinstance(request, End):
            yield "it is sent again", worker
        else:
            yield from super().silent(worker, request)


class AbortedUnanswered(Kernel):
    """A transaction of which a Produce was not answered is aborted, and the epoch goes on."""

    def silent(self, worker: Worker, request: Request) -> Iterator[tuple[str, Worker]]:
        if isinstance(request, Produce) and worker.transaction:
            yield "the transaction will be aborted", worker._replace(transaction=worker.transaction._replace(acknowledged=PARTITIONS, refused=True))
        else:
            yield from super().silent(worker, request)

    def aborted(self, worker: Worker) -> Worker:
        return worker._replace(transaction=None, transactions=worker.transactions + 1)


class GroupNotAsked(Kernel):
    """A worker fences without asking the group."""

    def confirmed(self, world: World, worker: Worker) -> bool:
        del world, worker
        return True


class GroupNotAskedAgain(Kernel):
    """The group is asked before the fence only."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "fencing", "restoring", "claiming", "open")


class StaleReader(Kernel):
    """Reads are answered whether the last heartbeat was long ago or not."""

    def serves(self, worker: Worker) -> bool:
        return worker.phase == "open"


class GenerationsMissed(Kernel):
    """What is assigned to a worker that had it before stays open, even if a generation was missed."""

    def kept(self, world: World, worker: Worker) -> bool:
        del world
        return worker.phase != "closed"
