"""Everything there is, as one value: broker, network, group, two workers, and what clients were told."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.model.broker import Broker, Request
from tests.model.rows import Command
from tests.model.worker import Worker


class Group(NamedTuple):
    """The consumer group: who is assigned the partition, and its committed offset, which only a control reads."""

    generation: int = 0
    owner: int = 0
    offset: int = 0


class Budget(NamedTuple):
    """How often something may still go wrong."""

    kills: int = 0
    rebalances: int = 0
    faults: int = 0
    """Of the network: a request that is late, an answer that is lost."""


class World(NamedTuple):
    """`late` are requests on their way whose senders have given them up; `told` the ids of commands that clients had an answer to."""

    commands: tuple[Command, ...]
    budget: Budget
    broker: Broker
    workers: tuple[Worker, Worker]
    group: Group = Group()
    late: tuple[Request, ...] = ()
    told: tuple[str, ...] = ()

    def with_worker(self, number: int, worker: Worker) -> "World":
        """The same, but for one worker."""
        return self._replace(workers=(worker, self.workers[1]) if number == 0 else (self.workers[0], worker))


Step = tuple[str, Callable[[], World]]
"""What may happen next, in words, and what then is."""

Steps = Iterator[Step]

NAMES = ("A", "B")


def beginning(commands: tuple[Command, ...], budget: Budget) -> World:
    """Worker A has just opened the task on empty topics; the commands wait."""
    owner = Worker(phase="open", generation=0, lease=True, epoch=0)
    return World(commands, budget, Broker(epoch=0), (owner, Worker(generation=0)))
