"""Take-over of the task by a worker: it learns of the assignment, asks the group, fences, and reads the changelog."""

from typing import ClassVar

from tests.model.broker import CHANGELOG, last_stable_offset, visible
from tests.model.exchange import Exchange
from tests.model.rows import merged
from tests.model.worker import Phase, Worker, closed, failed, renewed
from tests.model.world import World


class TakeOver(Exchange):
    """Take-over in the one right order."""

    order: ClassVar[tuple[Phase, ...]] = ("asking", "fencing", "asking again", "restoring", "claiming", "open")

    def next_phase(self, worker: Worker) -> Worker:
        """Return the worker in the next phase of its take-over."""
        return worker._replace(phase=self.order[self.order.index(worker.phase) + 1])

    def learn(self, world: World, number: int) -> World:
        """Notify a worker of an assignment: a lost task is closed, one that stays is rewound, any other is taken over."""
        worker = world.workers[number]
        if world.group.owner != number:
            worker = closed(worker)
        elif not self.kept(world, worker):
            worker = closed(worker, "asking")
        elif worker.phase == "open":
            worker = renewed(worker)._replace(fetch_next=worker.position)
        return world.with_worker(number, worker._replace(generation=world.group.generation))

    def kept(self, world: World, worker: Worker) -> bool:
        """Return True if the worker missed no generation, so that no other worker can have owned the partition in between."""
        return worker.phase != "closed" and world.group.generation == worker.generation + 1

    def confirmed(self, world: World, worker: Worker) -> bool:
        """Return True if a heartbeat sent now is answered without error, in the generation that the worker knows."""
        return worker.generation == world.group.generation

    def ask(self, world: World, number: int) -> World:
        """Ask the group to confirm the membership."""
        worker = world.workers[number]
        return world.with_worker(number, self.next_phase(worker._replace(lease=self.confirmed(world, worker))))

    def restore(self, world: World, number: int) -> World:
        """Restore the store to the last stable offset of the changelog. The input position is one of its rows."""
        worker = world.workers[number]
        rows, end = worker.rows, last_stable_offset(world.broker, CHANGELOG)
        for offset, batch in visible(world.broker, CHANGELOG):
            if offset >= worker.offset_next:
                rows = merged(rows, batch.content[1])
        restored = worker._replace(rows=rows, offset_next=max(end, worker.offset_next))
        position = self.position(world, restored)
        return world.with_worker(number, self.next_phase(restored._replace(position=position, fetch_next=position)))

    def claim(self, world: World, number: int) -> World:
        """Claim the partition with a transaction to `owners`. Only one thing matters here: a fenced worker cannot claim."""
        worker = world.workers[number]
        return world.with_worker(number, self.next_phase(worker) if worker.epoch == world.broker.epoch else failed(worker))

    def position(self, world: World, worker: Worker) -> int:
        """Return the position to continue from: that of the row, whatever the group's offset is."""
        del world
        return worker.row_position

    def serves(self, worker: Worker) -> bool:
        """Return True while the worker answers reads from its rows."""
        return worker.phase == "open" and worker.lease
