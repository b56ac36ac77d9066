"""Outbox of a view task. Writes feed records for views of other partitions, and records for operators to the topic `parked`.

Records are parked seldom, so their producer starts at the first use. A record is parked once: the producer fences that of a former owner, and only then
reads which records are parked already. A view that is rebuilt, or was killed between the write to Kafka and its own, meets its parked records again; it
releases those that its code can project by now.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError

from app.settings import Settings
from app.streams.errors import FatalTaskError, TransactionRejected, UnknownOutcome
from app.streams.kafka.reader import bounds, read, reading
from app.streams.kafka.shutdown import stop
from app.streams.kafka.timeouts import ANSWER_MS
from app.streams.kafka.transactions import BATCH_BYTES, DEADLINE_S, RECORD_BYTES, OutgoingRecord, RecordBatches, Transaction, producer
from app.streams.logs.predecessor import Predecessor
from app.streams.parking.record import ParkedRecord, parse


class FeedProducer:
    """Producer of the feed records of one incarnation of a view. It starts at the first use."""

    def __init__(self, bootstrap: str, partitions: int) -> None:
        self._bootstrap = bootstrap
        self._partitions = partitions
        self._producer: AIOKafkaProducer | None = None

    async def write(self, records: Sequence[OutgoingRecord]) -> None:
        """Return once Kafka has all of these records. Raise UnknownOutcome if it may have only some; the view is restarted and writes them again."""
        if not records:
            return
        batches = RecordBatches(await self._started(), self._partitions)
        batches.extend(records)
        try:
            async with asyncio.timeout(DEADLINE_S):
                results = await batches.send()
        except (TimeoutError, KafkaError, IllegalOperation, AssertionError) as error:  # the errors that `Transaction` handles, too
            raise UnknownOutcome(repr(error)) from error
        for result in results:
            if isinstance(result, BaseException):
                raise UnknownOutcome(repr(result)) from result

    async def close(self) -> None:
        """Stop the producer."""
        started, self._producer = self._producer, None
        if started is not None:
            await stop(started, abort=False)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                max_batch_size=BATCH_BYTES,
                max_request_size=2 * RECORD_BYTES,
                request_timeout_ms=ANSWER_MS,
                retry_backoff_ms=5,
            )
            self._producer = producer
            await producer.start()
        return self._producer


Place = tuple[str, str, int]
"""Agent, topic and offset of a record of this partition that was parked."""


class ViewOutbox:
    """Outbox of one incarnation of a view task."""

    def __init__(self, settings: Settings, partition: int, topic_ids: Mapping[str, str]) -> None:
        """`topic_ids` are the ids of the topics that the view reads, by name. Parked records of other topics are ignored, whatever their names."""
        self._settings = settings
        self.topic_ids = topic_ids
        self._parked_topic = settings.topic("parked")
        self._partition = partition
        self._feeds = FeedProducer(settings.bootstrap, settings.partitions)
        self._producer: AIOKafkaProducer | None = None
        self._open: dict[Place, str] = {}
        self._discarded: set[tuple[str, int]] = set()

    async def read(self, consumer: AIOKafkaConsumer) -> None:
        """Read which records are parked, with a consumer that has no assignment yet. If none are, no producer has to be fenced."""
        where = TopicPartition(self._parked_topic, self._partition)
        async for records, _ in read(consumer, where, *await bounds(consumer, where)):
            for record in records:
                self._take(record)

    async def discarded(self, topic: str, offset: int) -> bool:
        """Return True if an operator discarded the record."""
        await self._fenced()
        return (topic, offset) in self._discarded

    @property
    def any_waits(self) -> bool:
        """True if any record of this partition is parked."""
        return bool(self._open)

    def waits(self, agent: str, topic: str, offset: int) -> bool:
        """Return True if the record is parked for this agent and for no other. A release would count for all agents."""
        return (agent, topic, offset) in self._open and sum(place[1:] == (topic, offset) for place in self._open) == 1

    async def agrees(self, rows: Iterable[ParkedRecord]) -> bool:
        """Return True if all of these rows are parked on the topic `parked`, too. A worker may have been killed after it had written a release only there."""
        waiting = list(rows)
        if waiting or self._open:
            await self._fenced()
        return all(_place(row) in self._open for row in waiting)

    async def write(self, outgoing: Iterable[OutgoingRecord]) -> None:
        """Write the feed records, then park records that are not parked yet.

        After errors of Kafka, restart the view. Raise FatalTaskError if Kafka will never take a record.
        """
        records = list(outgoing)
        await self._feeds.write([record for record in records if record.topic != self._parked_topic])
        await self._park([record for record in records if record.topic == self._parked_topic])

    async def close(self) -> None:
        """Stop the producers. A successor ends the transaction that was left open."""
        await self._feeds.close()
        started, self._producer = self._producer, None
        if started is not None:
            await stop(started, abort=False)

    async def _park(self, waiting: Sequence[OutgoingRecord]) -> None:
        if not waiting:
            return
        transaction = Transaction(await self._fenced(), self._settings.partitions)
        fresh = [record for record in waiting if not self._is_told(record)]
        if not fresh:
            return
        try:
            transaction.extend(fresh)
            await transaction.commit()
        except TransactionRejected as error:
            raise FatalTaskError(f"a view's record is not taken by Kafka: {error}") from error
        for record in fresh:
            self._take(record)

    async def _fenced(self) -> AIOKafkaProducer:
        if self._producer is None:
            transactional_id = f"{self._settings.app_id}-view-{self._partition}"
            predecessor = Predecessor(transactional_id)
            async with reading(self._settings.bootstrap) as consumer:
                await predecessor.ask(consumer._client)  # noqa: SLF001 (aiokafka has no public way to send a request)
                self._producer = producer(self._settings.bootstrap, transactional_id)
                await self._producer.start()
                await predecessor.finish(consumer, self._producer, [TopicPartition(self._parked_topic, self._partition)])
                await self.read(consumer)
        return self._producer

    def _take(self, record: ConsumerRecord | OutgoingRecord) -> None:
        said = parse(record)
        if said.topic_id not in {"", self.topic_ids.get(said.topic)} or said.topic not in self.topic_ids:
            return
        if isinstance(said, ParkedRecord):
            self._open[_place(said)] = said.reason
            self._discarded.discard((said.topic, said.offset))
            return
        places = [place for place in self._open if place[1:] == (said.topic, said.offset)]
        for place in places:
            del self._open[place]
        if places and said.outcome == "discarded":  # else it was parked from another topic of this name
            self._discarded.add((said.topic, said.offset))

    def _is_told(self, record: OutgoingRecord) -> bool:
        """Return True if the topic has this record already."""
        said = parse(record)
        return isinstance(said, ParkedRecord) and self._open.get(_place(said)) == said.reason


def _place(row: ParkedRecord) -> Place:
    return row.agent, row.topic, row.offset
