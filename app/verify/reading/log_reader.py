"""Reads each partition of each topic once, in batches, and tells how far it has come."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, UnsupportedCodecError

from app.settings import Settings
from app.streams.kafka.reader import bounds, read, reading
from app.streams.kafka.skips import Skips
from app.streams.parking.skip_log import skips_of
from app.verify.findings import RecordRef
from app.verify.reading.end_offsets import Span, Spans

Watch = Callable[[int, int], None]
"""Called with the offsets that were read so far, and with how many there are."""


class Unread(Exception):  # noqa: N818 (what it is)
    """A partition of a topic cannot be read on from this place."""

    def __init__(self, place: RecordRef, error: Exception) -> None:
        super().__init__(f"cannot be read from here on, and nothing of this partition was judged any further: {error!r}")
        self.place = place


class Batch(NamedTuple):
    """Records of one partition; what is below `sure` must be reflected in everything else that is read."""

    records: Sequence[ConsumerRecord]
    sure: int


class LogReader:
    """The topics of an environment up to their spans' ends."""

    def __init__(self, settings: Settings, spans: Spans, watch: Watch) -> None:
        self._settings = settings
        self._spans = dict(spans)
        self._watch = watch
        self._skipped: dict[int, Skips] = {}
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
            async for records, position in _read(consumer, where, begin, max(now, span.end) if beyond else span.end, await self._skips(partition)):
                yield Batch(records if beyond else [record for record in records if record.offset < span.end], span.sure)
                self._tell(min(position, span.end) - begin)
        self._done += span.end - span.begin

    async def _skips(self, partition: int) -> Skips:
        if partition not in self._skipped:
            self._skipped[partition] = await skips_of(self._settings, partition)
        return self._skipped[partition]

    def _tell(self, done: int) -> None:
        self._watch(self._done + done, self._total)


async def _read(consumer: AIOKafkaConsumer, where: TopicPartition, begin: int, end: int, skips: Skips) -> AsyncIterator[tuple[Sequence[ConsumerRecord], int]]:
    """As `read`. Unread when the records are damaged; KafkaError when the broker does not give them."""
    position = begin
    reading_ = read(consumer, where, begin, end, skips)
    while True:
        try:
            records, position = await anext(reading_)
        except StopAsyncIteration:
            return
        except (CorruptRecordException, UnsupportedCodecError) as error:
            raise Unread(RecordRef(where.topic, where.partition, position, None), error) from error
        except (KafkaError, OSError):
            raise
        except Exception as error:
            raise Unread(RecordRef(where.topic, where.partition, position, None), error) from error
        yield records, position
