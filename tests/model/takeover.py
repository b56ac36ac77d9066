"""How a worker comes to own the task: it learns of the assignment, asks the group, fences, reads the changelog."""

from typing import ClassVar

from tests.model.broker import CHANGELOG, last_stable_offset, visible
from tests.model.exchange import Exchange
from tests.model.rows import merged
from tests.model.worker import Phase, Worker, closed, failed, renewed
from tests.model.world import World


class TakeOver(Exchange):
    """The one right order."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "fencing", "asking again", "restoring", "claiming", "open")

    def next_phase(self, worker: Worker) -> Worker:
        """What follows in a take-over."""
        return worker._replace(phase=self.order[self.order.index(worker.phase) + 1])

    def learn(self, world: World, number: int) -> World:
        """A worker is told of an assignment: what left it is closed, what stayed is rewound, all else is taken over."""
        worker = world.workers[number]
        if world.group.owner != number:
            worker = closed(worker)
        elif not self.kept(world, worker):
            worker = closed(worker, "asking")
        elif worker.phase == "open":
            worker = renewed(worker)._replace(fetch_next=worker.position)
        return world.with_worker(number, worker._replace(generation=world.group.generation))

    def kept(self, world: World, worker: Worker) -> bool:
        """Nobody else can have owned the partition in between: no generation was missed."""
        return worker.phase != "closed" and world.group.generation == worker.generation + 1

    def confirmed(self, world: World, worker: Worker) -> bool:
        """True if a heartbeat sent now is answered without error, in the generation that the worker knows."""
        return worker.generation == world.group.generation

    def ask(self, world: World, number: int) -> World:
        """The group confirms the membership."""
        worker = world.workers[number]
        return world.with_worker(number, self.next_phase(worker._replace(lease=self.confirmed(world, worker))))

    def restore(self, world: World, number: int) -> World:
        """The store is brought to the last stable offset of the changelog; the input position is one of its rows."""
        worker = world.workers[number]
        rows, end = worker.rows, last_stable_offset(world.broker, CHANGELOG)
        for offset, batch in visible(world.broker, CHANGELOG):
            if offset >= worker.offset_next:
                rows = merged(rows, batch.content[1])
        restored = worker._replace(rows=rows, offset_next=max(end, worker.offset_next))
        position = self.position(world, restored)
        return world.with_worker(number, self.next_phase(restored._replace(position=position, fetch_next=position)))

    def claim(self, world: World, number: int) -> World:
        """A transaction of its own to `owners`, of which only this matters: one who was fenced cannot claim."""
        worker = world.workers[number]
        return world.with_worker(number, self.next_phase(worker) if worker.epoch == world.broker.epoch else failed(worker))

    def position(self, world: World, worker: Worker) -> int:
        """Where to go on: the row says so, whatever the group's offset is."""
        del world
        return worker.row_position

    def serves(self, worker: Worker) -> bool:
        """True while the worker answers reads from its rows."""
        return worker.phase == "open" and worker.lease
