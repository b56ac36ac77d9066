"""Schedules: steps of the workers, and the faults around them."""

from functools import partial
from itertools import islice

from tests.model.broker import mark, receive, unmarked
from tests.model.protocol import Kernel
from tests.model.worker import killed
from tests.model.world import NAMES, Group, Steps, World

WORKERS = 0, 1
ACTORS = 3
TOPICS = "events", "changelog"


def steps(kernel: Kernel, world: World) -> Steps:
    """Yield every possible next step."""
    for number in WORKERS:
        yield from kernel.steps(world, number)
    yield from _markers(world)
    yield from _late(world)
    yield from _closings(kernel, world)
    yield from _rebalances(world)
    yield from _kills(world)


def actors(kernel: Kernel, world: World) -> tuple[Steps, ...]:
    """Return the steps of each actor that must happen sooner or later.

    These are the workers' first steps, and the broker's markers. A worker need not learn that it lost a partition.
    """
    return kernel.steps(world, 0), kernel.steps(world, 1), _markers(world)


def fair(kernel: Kernel, world: World) -> Steps:
    """Return the next step of each actor that has one."""
    return (step for actor in actors(kernel, world) for step in islice(actor, 1))


def _markers(world: World) -> Steps:
    for partition in unmarked(world.broker):
        yield f"the broker writes the marker to {TOPICS[partition]}", partial(_marked, world, partition)


def _marked(world: World, partition: int) -> World:
    return world._replace(broker=mark(world.broker, partition))


def _late(world: World) -> Steps:
    for index, request in enumerate(world.late):
        yield f"the late {request} arrives", partial(_arrived, world, index)


def _arrived(world: World, index: int) -> World:
    broker, _ = receive(world.broker, world.late[index])
    return world._replace(broker=broker, late=world.late[:index] + world.late[index + 1 :])


def _closings(kernel: Kernel, world: World) -> Steps:
    for number in WORKERS:
        worker = world.workers[number]
        if number != world.group.owner and worker.generation != world.group.generation:
            yield f"{NAMES[number]} learns that it lost the partition", partial(kernel.learn, world, number)


def _rebalances(world: World) -> Steps:
    if world.budget.rebalances:
        for owner in WORKERS:
            yield f"the group gives the partition to {NAMES[owner]}, in generation {world.group.generation + 1}", partial(_rebalanced, world, owner)


def _rebalanced(world: World, owner: int) -> World:
    """Begin the next generation. Each member has joined again, or was silent for a session; either ends its lease."""
    first, second = (worker._replace(lease=False) for worker in world.workers)
    group = Group(world.group.generation + 1, owner, world.group.offset)
    return world._replace(group=group, workers=(first, second), budget=world.budget._replace(rebalances=world.budget.rebalances - 1))


def _kills(world: World) -> Steps:
    if world.budget.kills:
        for number in WORKERS:
            yield f"{NAMES[number]} is killed and started again", partial(_killed, world, number, disk_lost=False)
            yield f"{NAMES[number]} is killed and started again, its disk is lost", partial(_killed, world, number, disk_lost=True)


def _killed(world: World, number: int, *, disk_lost: bool) -> World:
    after = world.with_worker(number, killed(world.workers[number], disk_lost=disk_lost))
    return after._replace(budget=world.budget._replace(kills=world.budget.kills - 1))
