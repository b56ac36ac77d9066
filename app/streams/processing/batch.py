"""What Faust carries instead of single messages: the records fetched from one partition."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import ConsumerRecord

BOUND = 2_000
"""Records in a batch that waits; one that is full is not extended, and its partition is not fetched from."""

BOUND_BYTES = 8 << 20
"""The same, in bytes."""


def size_of(records: Iterable[ConsumerRecord]) -> int:
    """How many bytes keys and values have."""
    return sum(len(record.key or b"") + len(record.value or b"") for record in records)


@dataclass
class Fetched:
    """What is known of a batch when it is gone: the opening under which it was fetched, and whether its task took it."""

    opening: int
    taken: bool = False


class Batch:
    """Records of one partition in order, fetched under one opening of its task; extended until the task takes it."""

    def __init__(self, topic: str, partition: int, opening: int, records: list[ConsumerRecord]) -> None:
        self.topic = topic
        self.partition = partition
        self.opening = opening
        self.records = records
        self.size = size_of(records)
        self.fetched = Fetched(opening)

    def take(self) -> None:
        """The task takes it: it is not extended any more."""
        self.fetched.taken = True

    def extend(self, records: list[ConsumerRecord], opening: int) -> bool:
        """Add records fetched later, if this batch still waits: small fetches must not become small transactions."""
        if self.fetched.taken or self.opening != opening or self.full:
            return False
        self.records.extend(records)
        self.size += size_of(records)
        return True

    @property
    def full(self) -> bool:
        """True while it waits and takes no more."""
        return not self.fetched.taken and (len(self.records) >= BOUND or self.size >= BOUND_BYTES)
