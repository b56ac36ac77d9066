"""Short traces of requests by chance, also of those that a client sends who is late, fenced or wrong."""

import random

from tests.model.broker import PARTITIONS, Add, Answer, Batch, Broker, End, Init, Produce, Request, mark, receive, unmarked

TRACE_STEPS = 14


def settled(broker: Broker, request: Request) -> tuple[Broker, Answer]:
    """A request and what follows of it: markers are written at once, and one that has to be asked again is."""
    broker, answer = receive(broker, request)
    for partition in unmarked(broker):
        broker = mark(broker, partition)
    return settled(broker, request) if answer == "concurrent" else (broker, answer)


def request(broker: Broker, granted: list[int], number: int, chance: random.Random) -> Request:
    """What might come next: mostly of the present epoch, but not always; `granted` are the epochs that were given to somebody."""
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
    """Mostly the one that is expected; sometimes one that was there before, or that leaves a gap.

    Never where nothing was written yet: there any is right, unless one was refused before, of which the real broker keeps a note.
    """
    partition = broker.partitions[number]
    if partition.epoch < 0:
        return 0
    expected = partition.sequence if epoch == partition.epoch else 0
    return max(0, expected + chance.choices([0, -1, 1], [8, 1, 1])[0])
