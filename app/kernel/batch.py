"""What Faust carries instead of single messages: the records fetched from one partition."""

from dataclasses import dataclass

from aiokafka import ConsumerRecord

BOUND = 2_000
"""Records in a batch that waits; one that is full is not extended, and its partition is not fetched from."""


@dataclass
class Batch:
    """Records of one partition in order, fetched under one opening of its task; extended until the task takes it."""

    topic: str
    partition: int
    opening: int
    records: list[ConsumerRecord]
    taken: bool = False

    def extend(self, records: list[ConsumerRecord], opening: int) -> bool:
        """Add records fetched later, if this batch still waits: small fetches must not become small transactions."""
        if self.taken or self.opening != opening or len(self.records) >= BOUND:
            return False
        self.records.extend(records)
        return True

    @property
    def full(self) -> bool:
        """True while it waits and takes no more."""
        return not self.taken and len(self.records) >= BOUND
