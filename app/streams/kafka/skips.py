"""Offsets that an operator skipped. Readers treat them as if they had no records."""

from collections.abc import Iterable, Sequence

from aiokafka import ConsumerRecord

Range = tuple[str, int, int]
"""Topic (its name on the broker), first offset and last offset."""


class Skips:
    """Skipped offsets of one partition number."""

    def __init__(self, ranges: Iterable[Range] = ()) -> None:
        self._ranges: dict[str, list[tuple[int, int]]] = {}
        for topic, first, last in sorted(ranges):
            self._ranges.setdefault(topic, []).append((first, last))

    def behind(self, topic: str, offset: int) -> int:
        """Return the first offset from this one on that is not skipped."""
        for first, last in self._ranges.get(topic, ()):
            if first <= offset <= last:
                offset = last + 1
        return offset

    def left(self, topic: str, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord]:
        """Return the records of a topic that are not skipped."""
        if topic not in self._ranges:
            return records
        return [record for record in records if self.behind(topic, record.offset) == record.offset]


NONE = Skips()
