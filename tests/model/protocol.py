"""The runtime's protocol, step by step. The package's docstring maps the steps to functions of the product.

A negative control is a subclass without one mechanism (`controls.py`).
"""

from collections.abc import Iterator
from functools import partial

from tests.model.broker import CHANGELOG, PARTITIONS, Add, Batch, End, Init, Produce
from tests.model.rows import WINDOW, Draft, Result, merged, released, row, taken_in
from tests.model.takeover import TakeOver
from tests.model.worker import TRANSACTION_RECORDS, Fetched, Transaction, Worker
from tests.model.world import NAMES, Steps, World

FETCHES = 2
"""Largest number of fetched batches in memory."""


class Kernel(TakeOver):
    """Behaviour of a worker. All methods are pure: they take a world, and return the next one."""

    window = WINDOW

    def steps(self, world: World, number: int) -> Steps:
        """Yield the next steps of a worker, with the network's faults for its requests. The first step makes progress."""
        worker, name = world.workers[number], NAMES[number]
        if world.group.owner == number and self.ready_to_learn(world, worker):
            yield f"{name} learns that generation {world.group.generation} gives it the partition", partial(self.learn, world, number)
        if worker.phase in {"asking", "asking again"} and self.confirmed(world, worker):
            yield f"{name} asks the group, which confirms it", partial(self.ask, world, number)
        elif worker.phase == "fencing":
            yield from self.request(world, number, worker, Init())
        elif worker.phase == "restoring":
            yield f"{name} reads the changelog, and its position from it", partial(self.restore, world, number)
        elif worker.phase == "claiming":
            yield f"{name} claims the partition", partial(self.claim, world, number)
        elif worker.phase == "open":
            yield from self._serve(world, number, worker)

    def ready_to_learn(self, world: World, worker: Worker) -> bool:
        """Return True between two transactions, in which a task that stays is rewound."""
        return worker.generation != world.group.generation and not (worker.transaction and self.kept(world, worker))

    def _serve(self, world: World, number: int, worker: Worker) -> Steps:
        if not worker.lease and worker.generation == world.group.generation:
            yield f"{NAMES[number]} has its heartbeat answered", partial(world.with_worker, number, worker._replace(lease=True))
        if worker.transaction:
            yield from self._go_on(world, number, worker, worker.transaction)
            return
        for begun in (*self._releases(world, worker), *self._intake(world, worker)):
            yield from self.request(world, number, begun, Add(begun.epoch))
        yield from self._fetch(world, number, worker)

    def _fetch(self, world: World, number: int, worker: Worker) -> Steps:
        fetched, start = self.current(worker), worker.fetch_next
        if len(fetched) < FETCHES:
            for end in range(min(start + TRANSACTION_RECORDS, len(world.commands)), start, -1):
                offsets = tuple(range(start, end))
                after = worker._replace(fetched=(*fetched, Fetched(worker.opening, offsets)), fetch_next=end)
                yield f"{NAMES[number]} fetches the commands at {offsets}", partial(world.with_worker, number, after)

    def current(self, worker: Worker) -> tuple[Fetched, ...]:
        """Return the batches fetched under the current incarnation. No other is ever processed."""
        return tuple(batch for batch in worker.fetched if batch.opening == worker.opening)

    def _intake(self, world: World, worker: Worker) -> Iterator[Worker]:
        """Yield a transaction of the first batch that is not below the position, as much as one may carry."""
        for batch in self.current(worker)[:1]:
            taken = tuple(offset for offset in batch.offsets if offset >= worker.position)[: worker.limit]
            if taken:
                draft = taken_in(worker.rows, world.commands, taken, worker.condemned, self.window)
                too_large = any(isinstance(item, Result) and world.commands[item.offset].fault == "too large" for item in draft.items)
                yield self.begun(worker, draft, taken, too_large=too_large)

    def _releases(self, world: World, worker: Worker) -> Iterator[Worker]:
        """Yield transactions of releases that an operator requests after a repair. Records behind the head follow, also those a former owner left."""
        for key in sorted({command.key for command in world.commands}):
            waiting = row(worker.rows, f"waiting {key}")
            if waiting:
                most = 1 if waiting[0][1] == "failed" else worker.limit
                yield self.begun(worker, released(worker.rows, world.commands, key, most))

    def begun(self, worker: Worker, draft: Draft, taken: tuple[int, ...] = (), *, too_large: bool = False) -> Worker:
        """Begin a transaction with everything that the draft would write, the position included. One record may be too large for the broker."""
        tag = (worker.epoch, worker.transactions)
        batches = (Batch((tag, draft.items), too_large), Batch((tag, draft.changes)))
        return worker._replace(transaction=Transaction("add", taken, draft, batches))

    def _go_on(self, world: World, number: int, worker: Worker, transaction: Transaction) -> Steps:
        """Yield the next step of a transaction.

        Both Produce requests are sent together. EndTxn follows their answers, and the write to the store follows the answer to EndTxn.
        """
        if transaction.stage == "add":
            yield from self.request(world, number, worker, Add(worker.epoch))
        elif transaction.stage == "write":
            yield f"{NAMES[number]} writes its store, and answers", partial(self.write, world, number)
        elif len(transaction.acknowledged) == len(PARTITIONS):
            yield from self.request(world, number, worker, End(worker.epoch, self.verdict(transaction)))
        for partition in PARTITIONS:
            if transaction.stage == "produce" and partition not in transaction.acknowledged:
                yield from self.request(world, number, worker, Produce(worker.epoch, partition, worker.transactions, transaction.batches[partition]))

    def write(self, world: World, number: int) -> World:
        """Write rows and the changelog's offset to the store, then update the positions in memory, and answer the clients."""
        worker = self.stored(world, world.workers[number])
        transaction = worker.transaction
        assert transaction is not None
        position = transaction.taken[-1] + 1 if transaction.taken else worker.position
        left = tuple(batch for batch in self.current(worker) if batch.offsets[-1] >= position)
        condemned = tuple(offset for offset in worker.condemned if offset not in transaction.taken)
        after = worker._replace(
            transaction=None, transactions=worker.transactions + 1, position=position, fetched=left, limit=TRANSACTION_RECORDS, condemned=condemned
        )
        told = {item.command_id for item in transaction.draft.items if isinstance(item, Result)}
        return world.with_worker(number, after)._replace(told=tuple(sorted({*world.told, *told})))

    def stored(self, world: World, worker: Worker) -> Worker:
        """Write the transaction's rows to disk."""
        assert worker.transaction is not None
        where = world.broker.partitions[CHANGELOG].log.index(worker.transaction.batches[CHANGELOG])
        return worker._replace(rows=merged(worker.rows, worker.transaction.draft.changes), offset_next=where + 1)
