"""Reader of each partition of each topic, once and in batches. It reports its progress."""

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
"""Callback for the progress: the number of offsets read so far, and the total."""


class Unread(Exception):  # noqa: N818 (what it is)
    """Error: a partition of a topic cannot be read from this location on."""

    def __init__(self, place: RecordRef, error: Exception) -> None:
        super().__init__(f"cannot be read from here on, and nothing of this partition was judged any further: {error!r}")
        self.place = place


class Batch(NamedTuple):
    """Records of one partition. Everything else that is read must reflect the records below `sure`."""

    records: Sequence[ConsumerRecord]
    sure: int


class LogReader:
    """Reader of the topics of an environment, up to the ends of their spans."""

    def __init__(self, settings: Settings, spans: Spans, watch: Watch) -> None:
        self._settings = settings
        self._spans = dict(spans)
        self._watch = watch
        self._skipped: dict[int, Skips] = {}
        self._done = 0
        self._total = sum(max(0, span.end - span.begin) for span in spans.values())

    def span(self, name: str, partition: int) -> Span:
        """Return the span of a topic's partition (`name` is that on the broker). Once read, it has the beginning found at that time."""
        span: Span = self._spans[TopicPartition(name, partition)]
        return span

    async def read(self, topic: str, partition: int, *, beyond: bool = False) -> AsyncIterator[Batch]:
        """Yield the committed records up to the end of the span, or with `beyond` up to the current end of the partition."""
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
    """Yield records and the next position. Raises Unread for damaged records, and KafkaError if the broker does not return them."""
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
