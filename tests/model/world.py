"""World: broker, network, group, two workers, and the clients' knowledge, as one value."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.model.broker import Broker, Request
from tests.model.rows import Command
from tests.model.worker import Worker


class Group(NamedTuple):
    """Consumer group: the assignment of the partition, and the committed offset, which only a control reads."""

    generation: int = 0
    owner: int = 0
    offset: int = 0


class Budget(NamedTuple):
    """Number of faults that may still happen."""

    kills: int = 0
    rebalances: int = 0
    faults: int = 0
    """Number of network faults: a late request, or a lost answer."""


class World(NamedTuple):
    """World; `late` are requests under way whose senders have given up, `told` the ids of commands whose result a client has."""

    commands: tuple[Command, ...]
    budget: Budget
    broker: Broker
    workers: tuple[Worker, Worker]
    group: Group = Group()
    late: tuple[Request, ...] = ()
    told: tuple[str, ...] = ()

    def with_worker(self, number: int, worker: Worker) -> "World":
        """Return this world with another state of one worker."""
        return self._replace(workers=(worker, self.workers[1]) if number == 0 else (self.workers[0], worker))


Step = tuple[str, Callable[[], World]]
"""Possible next step in words, and the function that returns the next world."""

Steps = Iterator[Step]

NAMES = ("A", "B")


def beginning(commands: tuple[Command, ...], budget: Budget) -> World:
    """Return a world in which worker A has just opened the task on empty topics, and the commands wait."""
    owner = Worker(phase="open", generation=0, lease=True, epoch=0)
    return World(commands, budget, Broker(epoch=0), (owner, Worker(generation=0)))
