"""What a view tells others, through Kafka: seldom, so its producer is started when it is needed first.

A record is parked once: the producer fences that of a former owner, and only then is read what is parked already. A view that is folded anew, or that
was killed between Kafka and its own write, meets its parked records again.
"""

from collections.abc import Iterable, Mapping

from aiokafka import AIOKafkaProducer, ConsumerRecord, TopicPartition

from app.kernel.context import Outgoing
from app.kernel.ending import stop, stop_reading
from app.kernel.outcome import RefusedBatch, Stuck
from app.kernel.reader import bounds, read, reader
from app.kernel.transaction import Transaction, producer
from app.settings import Settings

Parked = tuple[str, str, str]
"""Agent, topic and offset of a parked record of this partition, as its headers have them."""


class Outlet:
    """One opening's."""

    def __init__(self, settings: Settings, partition: int) -> None:
        self._settings = settings
        self._parked_topic = settings.topic("parked")
        self._partition = partition
        self._producer: AIOKafkaProducer | None = None
        self._open: set[Parked] = set()

    async def write(self, outgoing: Iterable[Outgoing]) -> None:
        """Write what is not there yet, in one transaction. UnknownOutcome: open the view again, it will find out. Stuck: Kafka takes it never."""
        waiting = list(outgoing)
        if not waiting:
            return
        transaction = Transaction(await self._fenced(), self._settings.partitions)
        fresh = [record for record in waiting if not self._is_open(record)]
        try:
            transaction.extend(fresh)
            await transaction.commit()
        except RefusedBatch as error:
            raise Stuck(f"a view's record is not taken by Kafka: {error}") from error
        self._open.update(_parked(_headers(record.headers)) for record in fresh if record.topic == self._parked_topic)

    async def close(self) -> None:
        """Let the producer go; what it left open its successor ends."""
        started, self._producer = self._producer, None
        if started is not None:
            await stop(started, abort=False)

    async def _fenced(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = producer(self._settings.bootstrap, f"{self._settings.app_id}-view-{self._partition}")
            await self._producer.start()
            await self._read_open()
        return self._producer

    async def _read_open(self) -> None:
        where, consumer = TopicPartition(self._parked_topic, self._partition), reader(self._settings.bootstrap)
        try:
            await consumer.start()
            async for records, _ in read(consumer, where, *await bounds(consumer, where)):
                for record in records:
                    self._take(record)
        finally:
            await stop_reading(consumer)

    def _take(self, record: ConsumerRecord) -> None:
        headers = _headers(record.headers)
        if "parked-reason" in headers:
            self._open.add(_parked(headers))
        else:
            self._open -= {each for each in self._open if each[1:] == (headers["parked-topic"], headers["parked-offset"])}

    def _is_open(self, record: Outgoing) -> bool:
        return record.topic == self._parked_topic and _parked(_headers(record.headers)) in self._open


def _parked(headers: Mapping[str, str]) -> Parked:
    return headers["parked-agent"], headers["parked-topic"], headers["parked-offset"]


def _headers(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Those that say where a parked record came from; they stand behind its own, so they count where it has the same."""
    return {name: value.decode() for name, value in headers if name.startswith("parked-") and value is not None}
