"""Short random traces of requests, also from clients that are late, fenced or wrong."""

import random

from tests.model.broker import PARTITIONS, Add, Answer, Batch, Broker, End, Init, Produce, Request, mark, receive, unmarked

TRACE_STEPS = 14


def settled(broker: Broker, request: Request) -> tuple[Broker, Answer]:
    """Send a request and write the markers at once. A request that must be repeated is repeated."""
    broker, answer = receive(broker, request)
    for partition in unmarked(broker):
        broker = mark(broker, partition)
    return settled(broker, request) if answer == "concurrent" else (broker, answer)


def request(broker: Broker, granted: list[int], number: int, chance: random.Random) -> Request:
    """Return a random request, mostly of the present epoch; `granted` are the epochs granted so far."""
    epoch = granted[-1] if chance.random() < 0.85 else chance.choice(granted)
    partition = chance.choice(PARTITIONS)
    match chance.choices(["init", "add", "produce", "end"], [1, 3, 6, 3])[0]:
        case "init":
            return Init()
        case "add":
            return Add(epoch, chance.choice([PARTITIONS, (partition,)]))
        case "end":
            return End(epoch, chance.choice(["commit", "commit", "abort"]))
        case _:
            return Produce(epoch, partition, _sequence(broker, epoch, partition, chance), Batch(f"batch {number}", too_large=chance.random() < 0.1))


def _sequence(broker: Broker, epoch: int, number: int, chance: random.Random) -> int:
    """Return mostly the expected sequence number, sometimes an earlier one, or one that leaves a gap.

    An empty partition always gets 0. Any number is right there, unless a batch was refused before, which the real broker remembers.
    """
    partition = broker.partitions[number]
    if partition.epoch < 0:
        return 0
    expected = partition.sequence if epoch == partition.epoch else 0
    return max(0, expected + chance.choices([0, -1, 1], [8, 1, 1])[0])
