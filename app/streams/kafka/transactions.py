"""One Kafka transaction: everything a unit of work causes becomes visible together, or not at all."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import IllegalOperation, KafkaError, TopicAuthorizationFailedError
from aiokafka.producer.message_accumulator import BatchBuilder

from app.diagnosis.kafka_errors import explained
from app.streams.aiokafka_patches.header_names import LenientBatch
from app.streams.aiokafka_patches.sender import check_installed
from app.streams.errors import FatalTaskError, NotAuthorized, TransactionRejected, UnknownOutcome, is_consequence, is_refusal
from app.streams.kafka.partitioner import partition_of
from app.streams.kafka.timeouts import ANSWER_MS

Headers = list[tuple[str, bytes]]
"""Headers of a record. aiokafka accepts nothing but a list."""

_NONE: Headers = []


class OutgoingRecord(NamedTuple):
    """A record that the open transaction will write. `partition` None means the partition of its key."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = _NONE
    partition: int | None = None


TIMEOUT_MS = 15_000
"""Time after which the broker ends an open transaction (milliseconds). A stopped worker holds up readers no longer than this."""

DEADLINE_S = 12.0
"""Time without an end after which the outcome counts as unknown (seconds)."""

BATCH_BYTES = 1 << 20
RECORD_BYTES = (4 << 20) - 4096
"""Size of the largest record that every topic but `commands.*` accepts, less the overhead of its batch. `append` itself accepts any first record."""

Check = Callable[[Mapping[TopicPartition, int]], None]
"""Check of the offsets of a transaction's first records. If it raises FatalTaskError, the transaction is aborted."""

Written = tuple[str, bytes | None, bytes | None, Headers, int | None]
"""Topic, key, value, headers and partition; None is the partition of the key."""

BROKERS_TIME = 1
"""Kafka's number for a timestamp that the broker set when it appended the record. A sender's own timestamp can be anything."""


class RecordBatches:
    """Batches of records, in one sequence for each partition; used once."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int) -> None:
        self._producer = producer
        self._partitions = partitions
        self._batches: dict[tuple[str, int], list[BatchBuilder]] = {}

    def extend(self, outgoing: Iterable[Written]) -> None:
        """Add records, each an OutgoingRecord or a tuple like it. Raises TransactionRejected when one is larger than any topic accepts."""
        now_ms, partitions, batches = int(time() * 1000), self._partitions, self._batches
        for topic, key, value, headers, partition in outgoing:
            where = (topic, partition_of(key or b"", partitions) if partition is None else partition)
            batch = batches[where][-1] if where in batches else self._start(where)
            try:
                appended = batch.append(timestamp=now_ms, key=key, value=value, headers=headers)
            except UnicodeEncodeError:
                batch = self._add(where, LenientBatch(self._producer, BATCH_BYTES))
                appended = batch.append(timestamp=now_ms, key=key, value=value, headers=headers)
            if appended is None:
                appended = self._start(where).append(timestamp=now_ms, key=key, value=value, headers=headers)
            if appended.size > RECORD_BYTES:
                raise TransactionRejected(f"a record for {topic} is larger than {RECORD_BYTES} bytes")

    @property
    def records(self) -> dict[TopicPartition, int]:
        """Number of records for each partition."""
        return {TopicPartition(*where): sum(batch.record_count() for batch in batches) for where, batches in self._batches.items()}

    async def send(self) -> list[Any]:
        """Send all batches, and return for each its location or its error."""
        sent = [await self._send(where, batch) for where, batches in self._batches.items() for batch in batches]
        answers = (asyncio.shield(future) for future in sent)  # aiokafka's sender dies of a future that was cancelled
        return await asyncio.gather(*answers, return_exceptions=True)

    async def _send(self, where: tuple[str, int], batch: BatchBuilder) -> "asyncio.Future[Any]":
        batch.close()
        topic, partition = where
        future: asyncio.Future[Any] = await self._producer.send_batch(batch, topic, partition=partition)
        future.add_done_callback(_looked_at)  # a later batch may fail before this one is awaited
        return future

    def _start(self, where: tuple[str, int]) -> BatchBuilder:
        return self._add(where, self._producer.create_batch())

    def _add(self, where: tuple[str, int], batch: BatchBuilder) -> BatchBuilder:
        batches = self._batches.setdefault(where, [])
        if batches and not batches[-1].record_count():
            batches.pop()  # nothing fitted into it
        batches.append(batch)
        return batch


def _anything(_: Mapping[TopicPartition, int]) -> None:
    """Check nothing, where nothing depends on the offsets of the records."""


class Transaction(RecordBatches):
    """Batches of one transaction."""

    appended_ms: Sequence[int] = ()
    """Times at which the broker appended the batches that it timed (milliseconds since 1970), once the transaction is committed."""

    def log(self, changelog: TopicPartition, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Add changed rows to the changelog."""
        self.extend((changelog.topic, key, value, _NONE, changelog.partition) for key, value in changes)

    async def commit(self, check: Check = _anything) -> dict[TopicPartition, int]:
        """Commit, and return the next offset of each partition that was written to.

        Raises TransactionRejected if it was aborted, NotAuthorized if it was not committed, UnknownOutcome if only the log can tell.

        `check` gets the first offset that the broker gave to each partition's records. When it raises, the transaction is aborted.
        """
        try:
            async with asyncio.timeout(DEADLINE_S):
                return await self._commit(check)
        except (TimeoutError, KafkaError, IllegalOperation, AssertionError) as error:  # the last two say that aiokafka's sender has ended meanwhile
            raise _unknown(self._cause(error)) from error

    def _cause(self, error: BaseException) -> BaseException:
        """Return the error that ended aiokafka's sender, if it has ended. The errors that follow from that say nothing."""
        manager = self._producer._txn_manager  # noqa: SLF001 (aiokafka has no public way to ask)
        return (manager.wait_for_transaction_end().exception() or error) if manager.is_fatal_error() else error

    async def _commit(self, check: Check) -> dict[TopicPartition, int]:
        await self._producer.begin_transaction()
        counted = [(where, batch.record_count()) for where, batches in self._batches.items() for batch in batches]
        results = await self.send()
        await self._check([result for result in results if isinstance(result, BaseException)])
        written = [(TopicPartition(*where), result.offset, count) for (where, count), result in zip(counted, results, strict=True)]
        await self._check_offsets(check, {where: base for where, base, _ in reversed(written)})
        await self._producer.commit_transaction()
        self.appended_ms = [result.timestamp for result in results if result.timestamp_type == BROKERS_TIME]
        return {where: _next(base, count) for where, base, count in written}

    async def _check_offsets(self, check: Check, bases: Mapping[TopicPartition, int]) -> None:
        try:
            check({where: base for where, base in bases.items() if base >= 0})
        except FatalTaskError:
            await self._producer.abort_transaction()
            raise

    async def _check(self, failures: list[BaseException]) -> None:
        """Check every single failure: aiokafka would commit without the batches that failed."""
        refusals = [failure for failure in failures if is_refusal(failure)]
        for failure in failures:
            if not (is_refusal(failure) or (refusals and is_consequence(failure))):
                raise _unknown(failure) from failure
        if refusals:
            await self._producer.abort_transaction()
            raise TransactionRejected(repr(refusals[0])) from refusals[0]


def _looked_at(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def _next(base_offset: int, count: int) -> int:
    if base_offset < 0:
        message = "the broker took a batch for a duplicate and did not say where it is"
        raise UnknownOutcome(message)
    return base_offset + count


def _unknown(error: BaseException) -> UnknownOutcome | NotAuthorized:
    """Return the error to raise for a transaction that failed. A topic without authorization is found before anything is committed."""
    if isinstance(error, TopicAuthorizationFailedError):
        return NotAuthorized(explained(error))
    return error if isinstance(error, UnknownOutcome | NotAuthorized) else UnknownOutcome(repr(error))


def producer(bootstrap: str, transactional_id: str) -> AIOKafkaProducer:
    """Create a producer whose start fences every earlier one of the same id."""
    check_installed()
    return AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=transactional_id,
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * RECORD_BYTES,
        linger_ms=0,
        request_timeout_ms=ANSWER_MS,
        retry_backoff_ms=5,
        transaction_timeout_ms=TIMEOUT_MS,
    )
