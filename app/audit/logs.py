"""Reads each partition of each topic once, in batches, and tells how far it has come."""

from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from aiokafka import ConsumerRecord, TopicPartition

from app.audit.ends import Span, Spans
from app.kernel.reader import bounds, read, reading
from app.settings import Settings

Watch = Callable[[int, int], None]
"""Called with the offsets that were read so far, and with how many there are."""


class Batch(NamedTuple):
    """Records of one partition; what is below `sure` must be reflected in everything else that is read."""

    records: list[ConsumerRecord]
    sure: int


class Logs:
    """The topics of an environment up to their spans' ends."""

    def __init__(self, settings: Settings, spans: Spans, watch: Watch) -> None:
        self._settings = settings
        self._spans = dict(spans)
        self._watch = watch
        self._done = 0
        self._total = sum(max(0, span.end - span.begin) for span in spans.values())

    def span(self, name: str, partition: int) -> Span:
        """What is read of a partition of a topic (its name on the broker); once it was read, with the beginning that it had then."""
        span: Span = self._spans[TopicPartition(name, partition)]
        return span

    async def read(self, topic: str, partition: int, *, beyond: bool = False) -> AsyncIterator[Batch]:
        """The committed records up to the end of the span, or beyond it up to the end that there is now."""
        span, where = self.span(topic, partition), TopicPartition(topic, partition)
        if span.end <= span.begin and not beyond:
            return
        async with reading(self._settings.bootstrap) as consumer:
            begin, now = await bounds(consumer, where)
            self._spans[where] = span._replace(begin=begin)
            async for records, position in read(consumer, where, begin, max(now, span.end) if beyond else span.end):
                yield Batch(records if beyond else [record for record in records if record.offset < span.end], span.sure)
                self._tell(min(position, span.end) - begin)
        self._done += span.end - span.begin

    def _tell(self, done: int) -> None:
        self._watch(self._done + done, self._total)
